from semsynth.commands.preference import main

if __name__ == "__main__":
    main()
