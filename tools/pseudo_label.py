from semsynth.commands.pseudo_label import main

if __name__ == "__main__":
    main()
