"""What every Parley service needs to run."""
