//! Quantities as they are shown: three digits and a unit.

/// Three digits of a time.
pub fn seconds(value: f64) -> String {
    match unit(value) {
        _ if value == 0.0 => "0 s".to_owned(),
        Some((unit, scale)) => format!("{} {unit}", digits(value * scale)),
        None => {
            let longer = [("min", 60.0, 6_000.0), ("h", 3_600.0, 172_800.0)];
            let unit = longer.into_iter().find(|(_, _, below)| value < *below);
            let (unit, scale, _) = unit.unwrap_or(("d", 86_400.0, f64::INFINITY));
            format!("{} {unit}", digits(value / scale))
        }
    }
}

/// The unit of a time below ten minutes, and how many there are in a second.
pub fn unit(value: f64) -> Option<(&'static str, f64)> {
    match value {
        v if v < 0.999_5e-6 => Some(("ns", 1e9)),
        v if v < 0.999_5e-3 => Some(("µs", 1e6)),
        v if v < 0.999_5 => Some(("ms", 1e3)),
        v if v < 600.0 => Some(("s", 1.0)),
        _ => None,
    }
}

/// A number per second.
pub fn rate(value: f64) -> String {
    format!("{}/s", number(value))
}

/// Three digits of a number, with k, M or G.
pub fn number(value: f64) -> String {
    match value {
        v if v < 999.5 => digits(v),
        v if v < 999.5e3 => format!("{}k", digits(v / 1e3)),
        v if v < 999.5e6 => format!("{}M", digits(v / 1e6)),
        v => format!("{}G", digits(v / 1e9)),
    }
}

fn digits(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        v if v < 0.001 => "<0.001".to_owned(),
        v if v < 0.995 => format!("{v:.3}"),
        v if v < 9.995 => format!("{v:.2}"),
        v if v < 99.95 => format!("{v:.1}"),
        v => format!("{v:.0}"),
    }
}

/// A count as short as a rate.
pub fn count(n: u64) -> String {
    if n < 1_000 { n.to_string() } else { number(n as f64) }
}

/// Three digits of a share among others in a column: never more, and never all where it is not.
pub fn percent_in_column(value: f64) -> String {
    if (0.998_5..1.0).contains(&value) && value < 0.999_5 {
        return format!("{:.1} %", value * 100.0);
    }
    if (0.999_5..1.0).contains(&value) { ">99.9 %".to_owned() } else { percent(value) }
}

/// Three digits of a share, or as many as keep it from looking like all or nothing.
pub fn percent(value: f64) -> String {
    let value = value * 100.0;
    match value {
        0.0 => "0 %".to_owned(),
        100.0 => "100 %".to_owned(),
        v if v < 0.001 => "<0.001 %".to_owned(),
        v if v < 0.099_95 => format!("{v:.3} %"),
        v if v < 9.995 => format!("{v:.2} %"),
        v if !(99.85..=100.0).contains(&v) => format!("{v:.1} %"),
        v if v < 99.985 => format!("{v:.2} %"),
        v if v < 99.998_5 => format!("{v:.3} %"),
        _ => ">99.998 %".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        let cases = [
            (0.0, "0 s"),
            (1.234_5e-9, "1.23 ns"),
            (999.9e-9, "1.00 µs"),
            (0.012_34, "12.3 ms"),
            (59.96, "60.0 s"),
            (2_535.423, "42.3 min"),
            (36_000.0, "10.0 h"),
            (1e6, "11.6 d"),
        ];
        for (value, wanted) in cases {
            assert_eq!(seconds(value), wanted);
        }
        assert_eq!([number(0.0), number(999.7), number(1_234.0), number(2.5e9)], ["0", "1.00k", "1.23k", "2.50G"]);
        assert_eq!([percent(1e-4), percent(0.5)], ["0.010 %", "50.0 %"]);
    }

    #[test]
    fn nothing_is_rounded_to_all_or_nothing() {
        let cases = [(0.0, "0 %"), (1.0, "100 %"), (0.999_57, "99.96 %"), (0.999_999, ">99.998 %"), (5e-6, "<0.001 %")];
        for (value, wanted) in cases {
            assert_eq!(percent(value), wanted);
        }
        let column = [0.998, 0.999_0, 0.999_7, 0.999_86, 1.0, 0.003].map(percent_in_column);
        assert_eq!(column, ["99.8 %", "99.9 %", ">99.9 %", ">99.9 %", "100 %", "0.30 %"]);
        assert_eq!([number(1e-5), number(0.02)], ["<0.001", "0.020"]);
    }
}
