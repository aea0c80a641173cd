"""The processes of a home: started, watched, started again when they end."""
