"""When offers, experiments and triggers are open, by the wall clock and the calendar of the store."""

from nearwise_rules.schedules.calendar import StoreCalendar
from nearwise_rules.schedules.compiling import compile_schedule
from nearwise_rules.schedules.schedule import Opening, Schedule

__all__ = ["Opening", "Schedule", "StoreCalendar", "compile_schedule"]
