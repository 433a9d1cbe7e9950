"""Sub-commands of `xpiler`: each file has HELP, add_arguments(parser) and run(args) -> exit status."""
