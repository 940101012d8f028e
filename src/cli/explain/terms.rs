//! Terms of the field for what has another name here.

/// A term: its names, what it means, and where more is said.
pub(super) struct Term {
    /// Letters and digits alone, in lower case, apart by spaces.
    pub names: &'static str,
    /// Empty where the topics say all.
    pub note: &'static str,
    pub topics: &'static [&'static str],
}

const fn term(names: &'static str, note: &'static str, topics: &'static [&'static str]) -> Term {
    Term { names, note, topics }
}

/// Every term that is known.
pub(super) const TERMS: &[Term] = &[
    term("circuitbreaker circuitbreaking", "", &["breaker"]),
    term("connectionpool connectionpooling", "", &["pool"]),
    term("loadshedding shedding controlleddelay", "", &["codel"]),
    term("ratelimit ratelimiting throttling", "", &["rate_limiter"]),
    term("hedgedrequest hedgedrequests hedging", "", &["hedge"]),
    term("retrybudget exponentialbackoff", "", &["retry"]),
    term("outlierdetection outlierejection passivehealthcheck", "", &["ejection"]),
    term("requestcoalescing coalescing cachestampede thunderingherd", "", &["single_flight"]),
    term("deadletter deadletterqueue dlq", "", &["max_deliveries", "dead_lettered"]),
    term("evictionpolicy eviction", "", &["policy"]),
    term("writepolicy writethrough writebehind writeback writearound", "", &["writes"]),
    term("cacheaside", "", &["after_miss"]),
    term("negativecaching", "", &["negative_ttl"]),
    term("timetolive", "", &["ttl"]),
    term("queuediscipline scheduling", "", &["discipline"]),
    term("fairqueueing fairqueuing", "", &["weightedfair", "fair_weights"]),
    term("concurrencylimit", "", &["slots", "concurrency"]),
    term("connectionlimit maxconnections", "", &["connections"]),
    term("loadbalancing balancing balancingpolicy", "", &["balance"]),
    term("p2c poweroftwochoices poweroftwo", "", &["powerofchoices"]),
    term("replicationlag", "", &["lag"]),
    term("readreplica readreplicas", "", &["reads_from"]),
    term("splitbrain fencing", "", &["on_partition"]),
    term("staleread stalereads", "", &["stale_share", "stale_reads"]),
    term("hotkey hotkeys hotspot", "", &["hotset", "zipf"]),
    term("autoscaling scaling horizontalscaling", "", &["autoscaler"]),
    term("sharding partitioning", "", &["sharded_store"]),
    term(
        "consumergroup consumer",
        "The workers behind a queue share its messages, as one consumer group does. Partitions, and several groups with offsets of their own, are not there yet.",
        &["worker"],
    ),
    term("deliveryguarantee", "", &["delivery"]),
    term("warmup", "", &["run"]),
    term("errorrate", "", &["failed_share"]),
    term("availability successrate", "", &["good_share"]),
    term("utilisation saturation", "", &["utilization"]),
    term("taillatency percentile percentiles", "", &["p99"]),
    term("rps qps requestrate", "", &["rate", "offered"]),
    term("garbagecollection gcpause gc", "", &["pauses"]),
    term("fanout", "", &["spread"]),
    term("fireandforget asynchronous", "", &["async"]),
    term("packetloss", "", &["loss"]),
    term("usl universalscalabilitylaw", "", &["contention", "coherency"]),
    term(
        "gil globalinterpreterlock",
        "CPython's global interpreter lock: one thread of a process runs Python code at a time, whatever the number of cores. Processes run side by side.",
        &["globallock", "processes"],
    ),
    term(
        "multiprocessing prefork",
        "Several processes on one machine, each with a lock or event loop of its own.",
        &["processes"],
    ),
    term(
        "asyncawait coroutine coroutines",
        "One thread per process serves many calls at once, as long as none of them computes for long.",
        &["eventloop"],
    ),
    term(
        "threadpool workerpool",
        "The calls that a replica handles at once; the others wait in its queue.",
        &["slots"],
    ),
    term(
        "poisonmessage poisonpill",
        "A message or request whose processing fails every time; retrying it only costs.",
        &["poison_share", "max_deliveries"],
    ),
    term(
        "closedloop closedworkload",
        "A fixed number of users, each of whom waits for the answer before asking again: when the system slows down, so does its load.",
        &["closed"],
    ),
    term(
        "openloop openworkload",
        "Requests arrive at their rate, whatever the answers do, as from very many users.",
        &["arrivals", "rate"],
    ),
    term(
        "coordinatedomission",
        "A load generator that waits for slow answers sends less just then, and so measures too few of them. Latencies here count from when a request was meant to be sent. Users of a closed loop do wait.",
        &["closed"],
    ),
    term(
        "loadtest loadtesting stresstest",
        "A client is the load generator; its `shape` raises the load step by step.",
        &["client"],
    ),
    term("ewma movingaverage", "Exponentially weighted moving average.", &["peakewma"]),
    term("429 toomanyrequests", "The status of a call that a rate limiter rejects.", &["rate_limited"]),
    term(
        "503 serviceunavailable",
        "The status of a call that is rejected for overload, or since nothing is up.",
        &["queue_full", "shed", "refused"],
    ),
    term("504 gatewaytimeout", "The status of a call whose answer did not come in time.", &["failed_timeout"]),
    term(
        "backpressure",
        "What is full makes its callers wait or fail, instead of queueing without a limit.",
        &["queue_limit", "overflow", "bulkhead"],
    ),
    term(
        "retrystorm metastablefailure",
        "Retries add load just when there is too little capacity, and may keep the overload up after its cause is gone. A retry budget, backoff and a circuit breaker limit that.",
        &["retry", "breaker"],
    ),
    term(
        "slo sla sli errorbudget servicelevelobjective",
        "A service level objective bounds a figure, such as `p99` or `good_share`: write it as an expectation. The error budget is what the bound leaves: 0.1 % of the requests at 99.9 %.",
        &["expect", "good_share"],
    ),
    term(
        "confidenceinterval",
        "The range after ±: in 95 of 100 runs with other seeds such a range holds the true value (batch means). A run that is too short has none.",
        &["run"],
    ),
    term(
        "connectiondraining draining drain gracefulshutdown",
        "A replica that is taken away gets no new calls and finishes those it has.",
        &["replicas", "autoscaler"],
    ),
    term(
        "idempotency idempotent",
        "Doing it twice is as good as doing it once, so that retries and redeliveries do no harm.",
        &["delivery"],
    ),
    term("stickysession stickysessions sessionaffinity", "Each tenant stays with one target.", &["iphash"]),
    term("hashring", "", &["consistenthash", "sharded_store"]),
    term(
        "consistenthashing",
        "A key goes to the next point of a ring, so that a target that comes or goes moves few keys.",
        &["consistenthash", "sharded_store"],
    ),
    term(
        "hotpartition hotshard skew",
        "Popular keys load the shards that hold them: see the distribution of keys and the busiest shard.",
        &["zipf", "hottest_share"],
    ),
    term(
        "littleslaw",
        "Calls in the system = arrival rate × mean time in it. So `queue` = `arrivals` × mean wait.",
        &["queue"],
    ),
    term(
        "captheorem cap",
        "While a network partition lasts, what is cut off either refuses (consistent, CP) or answers with what it has (available, AP).",
        &["on_partition"],
    ),
    term(
        "eventualconsistency",
        "Replicas follow the primary after a lag; until then they answer with an old version.",
        &["replication", "reads_from", "stale_share"],
    ),
    term(
        "strongconsistency linearizability",
        "Each read returns the latest acknowledged write: reads from the primary, or a quorum with r + w > n.",
        &["replication", "reads_from"],
    ),
    term(
        "leader leaderelection",
        "The primary takes all writes; when it is lost, a replica is promoted.",
        &["failover"],
    ),
    term(
        "pubsub publishsubscribe topic",
        "No topic that copies messages yet: place a queue for each subscriber, and let the producer call each of them.",
        &["queue"],
    ),
    term("scaleout horizontalscale", "More replicas.", &["replicas"]),
    term("scaleup verticalscaling", "A larger machine: more cores and slots.", &["cores", "slots"]),
    term("hitrate cachehitratio missrate", "", &["hit_ratio"]),
    term("spof singlepointoffailure", "A part without which nothing works: kill it and look.", &["kill"]),
    term(
        "chaosengineering faultinjection",
        "Interventions break parts of a running design, by hand or by the timeline.",
        &["kill", "slow", "fail", "partition"],
    ),
    term("nplus1 n1 n1queries", "One call for a list and then one for each of its items.", &["calls", "sequential"]),
];
