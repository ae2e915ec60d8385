"""Programs that write records: Python, REST, the APIs of known systems."""
