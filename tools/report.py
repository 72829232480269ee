from semsynth.commands.report import main

if __name__ == "__main__":
    main()
