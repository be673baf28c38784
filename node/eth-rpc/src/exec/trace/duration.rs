//! Durations as Go writes them, which is how clients give the `timeout` of a trace.

use std::time::Duration;

/// Reads `1h2m3.5s`, `300ms` and the like; `None` if it is not one, or negative.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    loop {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (value, tail) = rest.split_at(number);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let nanos = value.parse::<f64>().ok()? * nanos_of(unit)?;
        total = total.checked_add(Duration::try_from_secs_f64(nanos / 1e9).ok()?)?;
        if tail.is_empty() {
            return Some(total);
        }
        rest = tail;
    }
}

fn nanos_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3_600e9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_of_go_are_read() {
        for (text, millis) in [
            ("5s", 5_000),
            ("300ms", 300),
            ("2m", 120_000),
            ("1h2m3.5s", 3_723_500),
            ("0", 0),
            ("+1s", 1_000),
            ("1000us", 1),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "5", "s", "-5s", "5 s", "5x", "1.2.3s", "99999999999999999999999h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn prop_any_text_is_survived(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
