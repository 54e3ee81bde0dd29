"""The commands of ``revline``, one file per group. Importing them imports next to nothing."""
