from semsynth.commands.complexity import main

if __name__ == "__main__":
    main()
