from semsynth.commands.coco_instances import main

if __name__ == "__main__":
    main()
