//! What a service does, in words.

pub(super) const HELP: &str = "\
A call takes a slot or waits for one, does its `work` on a core, waits (`wait`), makes the calls of the links in the order \
of their steps, does its `work_after`, answers, and frees the slot. It holds the slot all the while, so a slow callee \
starves the service in front of it.

`replicas` scales out; `slots` and `cores` scale up. The `runtime` decides what the two mean. Threads share the cores \
evenly. An EventLoop has one core per process, first come, first served, so work blocks all other calls. GlobalLock threads \
take turns on one core per process. Serverless has one instance per call, up to `slots`, with cold starts. `processes` \
multiplies slots, instances and the cores that an event loop or a lock can use; a call is not bound to a process, so an idle \
one takes the next. `work_by_class` sets the work of single classes; `contention` and `coherency` increase it with the calls \
in progress.

The `discipline` orders waiting calls; `queue_limit`, `max_wait` and `codel` bound them; `drop_expired` fails those whose \
deadline has passed. A full queue fails with `queue_full` the call that it would serve last: the arrival (Fifo, Random, \
ProcessorSharing), the oldest call (Lifo, and AdaptiveLifo while more than 16 wait), the newest of the least urgent \
(Priority), the latest deadline (EarliestDeadline), the newest of the longest flow (WeightedFair), or the least urgent call \
at the station, also one in service (PreemptivePriority). Deadlines come with a call only over links with \
`propagate_deadline`; without it `drop_expired` and EarliestDeadline have no effect. With ProcessorSharing and \
PreemptivePriority every call has a slot at once and waits for a core: `queue_limit` bounds the calls beyond the cores; \
`slots`, `max_wait` and `codel` have no effect. WeightedFair is fair queueing: each tenant's calls of each class are a flow, \
served in proportion to the `fair_weights` of the classes.

`error_share`, `poison_share`, `pauses` and `breakdowns` are faults that come by themselves, independent of each other; a \
restart ends neither a breakdown nor a freeze. Work, `wait`, cold starts and `start_up` go by the replica's clock. A Slow \
slows this clock, and a freeze, a pause or a breakdown stops it, for work in progress too: a replica that is stopped does \
not notice the end of a wait or the answer of a callee until it goes on. `max_wait` and deadlines go by wall-clock time. \
Slots and cores that are removed while in use count as capacity until they are free. A call that no balancer has assigned \
goes to a random replica; another attempt goes to one that was not tried, while there is one.

Not modelled: memory, processor caches, context switches, warm-up of compiled code.";
