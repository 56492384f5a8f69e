"""The command line's commands, one file each: arguments in, text out; the work is done in the other rooms."""
