"""Each target takes dice and runs one case (or so many rows of one file, each a case); it raises where a property fails."""
