from semsynth.commands.import_checkpoint import main

if __name__ == "__main__":
    main()
