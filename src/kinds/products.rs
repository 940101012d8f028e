//! Products by name: which kind stands for each, and what of it is not there yet.

/// Some products, and what stands for them.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Their names in lower case, apart by spaces.
    pub names: &'static str,
    /// The kinds to place, the first as what it is; none where there is nothing of the sort.
    pub kinds: &'static [&'static str],
    /// How it is drawn.
    pub drawn: &'static str,
    /// What of it is not there yet.
    pub not_yet: &'static str,
}

const fn product(
    names: &'static str,
    kinds: &'static [&'static str],
    drawn: &'static str,
    not_yet: &'static str,
) -> Product {
    Product { names, kinds, drawn, not_yet }
}

/// Every product that is known.
pub const PRODUCTS: &[Product] = &[
    product(
        "redis valkey keydb elasticache",
        &["cache", "sharded_store"],
        "As a cache: `cache(policy: Lru, capacity: Memory(..), ttl: ..)`. As a cluster that keeps data: `sharded_store`.",
        "Redis' own default policy `noeviction` (writes fail when it is full), persistence, streams and publish-subscribe.",
    ),
    product(
        "memcached",
        &["cache"],
        "A cache beside a service (cache-aside), with `policy: Lru` and a capacity in `Memory(..)`.",
        "Slab classes.",
    ),
    product(
        "cloudfront cloudflare akamai fastly cdn varnish",
        &["cache"],
        "A cache in the path to the origin, with `single_flight: true` for request collapsing.",
        "Levels of caches by region, and stale answers while an object is fetched anew.",
    ),
    product(
        "kafka kinesis pulsar redpanda msk",
        &["queue"],
        "A queue whose consumers are workers: `order`, lag, redelivery and retention are there.",
        "Partitions, consumer groups with offsets, and rebalancing: consumers share one queue.",
    ),
    product(
        "rabbitmq activemq amqp",
        &["queue"],
        "A queue with `prefetch`, `max_deliveries` (then the dead letters) and `overflow`.",
        "Exchanges and routing keys; publishers that are blocked by memory.",
    ),
    product(
        "sqs servicebus",
        &["queue"],
        "A queue with `visibility_timeout` and `max_deliveries`.",
        "Message groups (FIFO queues) and long polling.",
    ),
    product(
        "sns eventbridge googlepubsub",
        &["queue"],
        "A queue for each subscriber.",
        "A topic that copies a message to all of them.",
    ),
    product(
        "celery sidekiq resque bull",
        &["queue", "worker"],
        "A queue and the workers that consume from it; `concurrency` is their number of processes or threads.",
        "Tasks that wait at the worker (countdown, ETA), and acknowledgement before the work as a setting of the worker.",
    ),
    product(
        "lambda cloudrun faas functions serverless",
        &["service"],
        "A service with `runtime: Serverless(cold_start: .., keep_alive: ..)`; `slots` is the limit of concurrency.",
        "The rate at which environments are added, and the limit of an account.",
    ),
    product(
        "nginx haproxy envoy traefik alb nlb elb ingress",
        &["load_balancer"],
        "A load balancer; retries, timeouts and circuit breakers are settings of its links.",
        "Terminating TLS, connections that stay with one target, and draining.",
    ),
    product(
        "istio linkerd mesh sidecar",
        &["load_balancer"],
        "Settings of links: retry, timeout, breaker, hedge; a load balancer where there are several targets.",
        "The sidecar's own time and memory.",
    ),
    product(
        "kong apigateway apigee gateway",
        &["rate_limiter", "load_balancer"],
        "A rate limiter in front of what it protects, and a load balancer behind it.",
        "Authentication, routing by path, and a cache of responses.",
    ),
    product(
        "postgres postgresql mysql mariadb aurora oracle sqlserver rds",
        &["database"],
        "A database with a primary: `replicas`, `reads_from`, `failover`, `connections`, `row_locks`.",
        "Transactions over several keys, query plans, vacuum and checkpoints.",
    ),
    product(
        "pgbouncer proxysql",
        &["database"],
        "`pool` on the links to the database.",
        "A pooler that several services share.",
    ),
    product(
        "mongodb mongo",
        &["database", "sharded_store"],
        "A database with `replication: Sync(acks: ..)`; sharded: `sharded_store`.",
        "Elections in detail.",
    ),
    product(
        "cassandra scylla riak",
        &["database"],
        "A database with `replication: Quorum(r: .., w: ..)`.",
        "Data centres, hinted hand-off and read repair.",
    ),
    product(
        "dynamodb bigtable hbase cosmosdb",
        &["sharded_store"],
        "A sharded store: a hot key makes a hot shard.",
        "Capacity units and throttling by them.",
    ),
    product(
        "elasticsearch opensearch solr",
        &["sharded_store", "service"],
        "A sharded store for documents by key; a search that asks every shard is a service with parallel links.",
        "An index with refresh and merges.",
    ),
    product("s3 gcs minio blobstorage", &["sharded_store"], "A sharded store with long reads.", "Multipart transfers."),
    product(
        "gunicorn uwsgi django flask puma unicorn",
        &["service"],
        "A service with `runtime: GlobalLock(..)`: `processes` are the workers, `slots` the threads of each.",
        "Worker recycling.",
    ),
    product(
        "node nodejs asyncio fastapi uvicorn tornado",
        &["service"],
        "A service with `runtime: EventLoop`.",
        "A thread pool beside the loop.",
    ),
    product(
        "tomcat jvm spring go golang rust",
        &["service"],
        "A service with `runtime: Threads`; `pauses` for collection.",
        "A heap.",
    ),
    product(
        "hpa keda autoscaling asg",
        &["autoscaler"],
        "An autoscaler with a link to what it scales, and a second one to a queue that it watches.",
        "Missing or late measurements.",
    ),
    product(
        "kubernetes k8s ecs nomad",
        &["service", "autoscaler"],
        "Pods are `replicas` of a service, with `start_up`; the horizontal pod autoscaler is an `autoscaler`.",
        "Nodes of the cluster, evictions and probes that time out.",
    ),
    product(
        "k6 locust jmeter gatling wrk",
        &["client"],
        "A client: `rate`, or `arrivals: Closed(users: .., think: ..)`.",
        "Scripts.",
    ),
    product(
        "etcd zookeeper consul",
        &["database"],
        "A database of 3 or 5 with `replication: Sync(..)` to a majority, `reads_from: Primary` and a `failover` time.",
        "Consensus as such (Raft, Zab), leases and watches.",
    ),
    product("dns route53", &[], "The latency of a client's link.", "Resolvers, TTLs and failover by name."),
    product("prometheus grafana datadog", &[], "The report and its plots.", "A monitor that scrapes and alarms."),
    product(
        "resilience4j polly hystrix",
        &[],
        "Settings of links: `tailboard explain link`.",
        "Rate limiters of a caller.",
    ),
];

/// What is known of a product by this name: alone, or as a word of a longer name ("AWS Lambda", "redis-cluster").
pub fn product_named(name: &str) -> Option<&'static Product> {
    let lower = name.to_lowercase();
    let joined: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    let is = |product: &&Product, name: &str| product.names.split(' ').any(|other| other == name);
    PRODUCTS.iter().find(|product| is(product, &joined)).or_else(|| {
        let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.find_map(|word| PRODUCTS.iter().find(|product| is(product, word)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::meta;

    #[test]
    fn every_product_leads_to_kinds_that_there_are() {
        let mut names: Vec<&str> = PRODUCTS.iter().flat_map(|product| product.names.split(' ')).collect();
        for product in PRODUCTS {
            assert!(product.kinds.iter().all(|kind| meta(kind).is_some()), "{}", product.names);
            assert!(product.drawn.ends_with('.') && product.not_yet.ends_with('.'), "{}", product.names);
            assert!(product.names.split(' ').all(|name| meta(name).is_none()), "{} is a kind", product.names);
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "each name once");
        let kind = |name: &str| product_named(name).and_then(|product| product.kinds.first().copied());
        assert_eq!(kind("Redis"), Some("cache"));
        assert_eq!(kind("AWS Lambda"), Some("service"));
        assert_eq!(kind("redis-cluster"), Some("cache"));
        assert_eq!(kind("k8s hpa"), Some("service"));
        assert_eq!(kind("teapot"), None);
    }
}
