"""What the simulator must reproduce: closed forms and laws."""
