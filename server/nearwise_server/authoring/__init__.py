"""From the files of a rule set to entries ready to sign, or to every problem with its file, line and column."""
