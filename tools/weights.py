from semsynth.commands.weights import main

if __name__ == "__main__":
    main()
