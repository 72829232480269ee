from semsynth.commands.train_segmenter import main

if __name__ == "__main__":
    main()
