"""The exit statuses of the command line. docs/command-line.md shows this table."""

DONE = 0
DIFFERS = 1
USAGE = 2
GATE_CLOSED = 3
STOPPED = 130

MEANINGS = {
    DONE: "Done. Where a command compares or checks, nothing differs.",
    DIFFERS: "An error, printed as one line. Or something differs, is missing or failed; the "
    "output lists it.",
    USAGE: "The command was called wrongly: an unknown option, a value outside the choices, a "
    "missing argument.",
    GATE_CLOSED: "`predict --gate`: more videos are flagged broken than the gate allows.",
    STOPPED: "Stopped by Ctrl-C. The last line says what is kept and how to continue.",
}
