"""The features of the example, declared once: for training sets of the past and for the endpoint of the moment.

`tests/by_hand.py` writes the same join out in SQL; a test holds the two to each other.
"""

from modelwright import features as f

weather = f.source("weather", entity="origin", event_time="observed_at")
flights = f.source("flights", entity="flight_id", event_time="sched_dep", known_at="landed_at")

context = f.context(carrier=str, origin=str, dest=str, hour=int, weekday=int, distance=int)

readings = [
    weather.latest("temp", max_age="6h"),
    weather.latest("dewp", max_age="6h"),
    weather.latest("humid", max_age="6h"),
    weather.latest("wind_speed", max_age="6h", valid="wind_speed < 150"),  # one instrument error: 1048 mph
    weather.latest("precip", max_age="6h"),
    weather.latest("visib", max_age="6h"),
    weather.latest("pressure", max_age="6h"),
]

delay_7d = flights.mean("arr_delay", by="carrier", over="7d", name="carrier_delay_7d")
"""How late the carrier's flights of the last seven days were, as far as they have landed when the question is asked."""

late = f.label(flights, "arr_delay > 15", matures_after="24h", name="late")
"""Counts from a day after departure, when all but a few have landed; before, the punctual ones would be too many."""

view = f.view("flight-context", [context, readings, delay_7d], label=late, ask_at="sched_dep - 1h")
