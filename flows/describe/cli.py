"""The commands of `python -m flows.describe`; each is part of `user-import`, too."""

from flows.describe import profiles, records
from flows.import_users.arguments import command_group

app = command_group("python -m flows.describe", "What a record is, and how files of other systems are read.")
app.command(records.schema)
app.command(records.template)
app.command(profiles.app, name="profiles")
