"""What acting on a model's scores brings in money: foreseen on matured history, and realised at an endpoint."""
