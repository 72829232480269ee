from semsynth.commands.synthesize import main

if __name__ == "__main__":
    main()
