//! What the tests of the checks share.

use crate::base::Severity;
use crate::design::Design;

/// The design with these nodes, links and interventions.
pub fn design(nodes: &str, links: &str, timeline: &str) -> Design {
    let text = format!("(nodes: {{ {nodes} }}, links: [{links}], timeline: [{timeline}])");
    crate::base::ron::read(&text).into_result().unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// Everything that is said of it: `warning code subject: message`.
pub fn told(nodes: &str, links: &str, timeline: &str) -> Vec<String> {
    let severity = |severity| match severity {
        Severity::Hint => "hint",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let findings = super::check(&design(nodes, links, timeline));
    let line = |f: crate::base::Finding| format!("{} {} {}: {}", severity(f.severity), f.code, f.subject, f.message);
    findings.into_iter().map(line).collect()
}
