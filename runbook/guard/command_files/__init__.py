"""Read files that hold commands: package scripts, Makefiles, pipelines, images. Nothing in them is run."""
