"""A token game of BPMN 2.0, to compare the kernel with; and the random diagrams that both play.

The game (`play`, `activities`, `instances`, `events`, `throwing`, `undoing`, `joins`, `timers`, `state`) follows
chapters 10 and 13 of the standard. It imports nothing of `engine`, parses no XML and evaluates no FEEL: it plays on the
generator's own objects (`diagram`), whose conditions are Python beside the FEEL text. Slow and plain: every token is an
object, a join looks at all tokens, nothing is cached.

Where the standard leaves a choice it takes the project's:
- A turn is one command; elements that need nobody act in the order in which tokens reached them, one step at a time.
- After each step kept messages are handed over, then conditions are looked at if data changed (edge triggered).
- Signals are thrown when nothing else can move; inclusive and complex joins are looked at after that.
- The first true flow in document order; null is false; no flow at all is an incident, and the turn is undone.
- A message from outside reaches all that wait; one thrown inside reaches who waits longest, else starts a pool, else is
  kept if something in the case can catch it.
- Errors and escalations: the event sub-processes of the place, then the boundary around it, and so outward; a named
  code before a catch-all. An uncaught error is an incident, but drawn in the process itself it ends the process.
- A path to an inclusive join also begins at the boundary events of an active activity.
- Of a cycle with an end, what is past is lost. Timers due together fire by name.
- A handler of an instance that is over sees that instance's fields as they were, and shares them with its siblings.

`match` compares after each command: open tasks by name, awaited messages, signals and conditions, kept messages, armed
timers with their instants, data, the trail in order (tokens cancelled together in any order), incidents with their
element, closed or not; in the end the journal is replayed. Not compared: correlation keys, data
mappings, decisions and services, forms, limits and their warnings, several definitions on one event.
"""
