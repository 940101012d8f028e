//! Cases and faults: silence.

/// The fixtures that the tests of this file hold.
pub const FIXTURES: &[&str] = &[
    "cases/cache_never_filled.ron",
    "cases/too_many_connections.ron",
    "cases/figure_names.ron",
    "cases/distributions_as_elsewhere.ron",
    "cases/one_way_delay.ron",
    "cases/foreign/scene.excalidraw",
];
