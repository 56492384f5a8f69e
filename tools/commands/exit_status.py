"""The exit statuses of the command line. docs/command-line.md shows this table."""

DONE = 0
DIFFERS = 1
USAGE = 2
GATE_CLOSED = 3
STOPPED = 130

MEANINGS = {
    DONE: "Done. Where a command compares or checks, nothing differs.",
    DIFFERS: "An error, told in one line; or something differs, is missing or failed, and is listed.",
    USAGE: "The command was called wrongly: an unknown option, a value that is none of the choices, an argument that is missing.",
    GATE_CLOSED: "`predict --gate`: more videos are flagged broken than the gate lets through.",
    STOPPED: "Stopped by Ctrl-C. The last line says what is kept and how to go on.",
}
