from semsynth.commands.train_style_regressor import main

if __name__ == "__main__":
    main()
