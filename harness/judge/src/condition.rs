//! Conditions on the fields of a message.

use std::collections::BTreeSet;

use dmconform_case::field::Condition;

use crate::header::Header;
use crate::observed::Observed;
use crate::view;

/// What a condition came to.
pub(crate) enum Judged {
    /// It holds.
    Holds,
    /// It does not: what would have been acceptable, and what was seen.
    Violated {
        /// What would have been acceptable.
        expected: String,
        /// What was seen.
        observed: String,
    },
    /// It refers to something that was not seen.
    Unknown(String),
}

/// Judges one condition on the values of a field.
pub(crate) fn judge(
    header: &Header,
    observed: &Observed,
    condition: &Condition,
    values: &BTreeSet<&str>,
) -> Judged {
    let found = || view::list(values);
    let holds_if = |holds: bool, expected: String| {
        if holds {
            Judged::Holds
        } else {
            Judged::Violated {
                expected,
                observed: found(),
            }
        }
    };
    match condition {
        Condition::Present => {
            let present = values.iter().any(|value| !value.is_empty());
            holds_if(present, "a value".to_owned())
        }
        Condition::Absent => holds_if(values.is_empty(), "no value".to_owned()),
        Condition::Equals(text) => {
            let text = header.fill(text);
            holds_if(all(values, |value| value == text), format!("`{text}`"))
        }
        Condition::OneOf(texts) => {
            let texts: BTreeSet<String> = texts.iter().map(|text| header.fill(text)).collect();
            holds_if(
                all(values, |value| texts.contains(value)),
                format!("one of {}", view::list(&texts)),
            )
        }
        Condition::Not(text) => {
            let text = header.fill(text);
            holds_if(
                values.iter().all(|value| **value != text),
                format!("anything but `{text}`"),
            )
        }
        Condition::AbsoluteHttps => holds_if(
            all(values, absolute_https),
            "an absolute https URL with a host".to_owned(),
        ),
        Condition::SameAs(field) => with(header, observed, field, |others| {
            holds_if(
                *values == others,
                format!("{} as in {field}", view::list(&others)),
            )
        }),
        Condition::Includes(field) => with(header, observed, field, |others| {
            holds_if(
                others.is_subset(values),
                format!("{} as in {field}, among others", view::list(&others)),
            )
        }),
        Condition::Lacks(field) => with(header, observed, field, |others| {
            holds_if(
                others.is_disjoint(values),
                format!("none of {} as in {field}", view::list(&others)),
            )
        }),
    }
}

/// Judges with the values of another field, which must have some.
fn with(
    header: &Header,
    observed: &Observed,
    field: &dmconform_case::field::FieldRef,
    judge: impl FnOnce(BTreeSet<&str>) -> Judged,
) -> Judged {
    let (others, _) = view::values(header, observed, field);
    if others.is_empty() {
        return Judged::Unknown(format!("nothing was seen of {field}, which it is compared with"));
    }
    judge(others.iter().map(String::as_str).collect())
}

fn all(values: &BTreeSet<&str>, test: impl Fn(&str) -> bool) -> bool {
    !values.is_empty() && values.iter().all(|value| test(value))
}

/// Whether a text is an absolute URL of the scheme `https` with a host (RFC 3986, section 4.3).
pub(crate) fn absolute_https(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    scheme.eq_ignore_ascii_case("https")
        && !host.is_empty()
        && !host.starts_with(':')
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::absolute_https;

    #[rstest]
    #[case("https://127.0.0.1:8443/bootstrap/1", true)]
    #[case("HTTPS://example.test", true)]
    #[case("http://127.0.0.1/", false)]
    #[case("/bootstrap/1", false)]
    #[case("https:///bootstrap", false)]
    #[case("https://:443/", false)]
    #[case("https://a b/", false)]
    #[case("", false)]
    fn only_an_absolute_https_url_with_a_host_is_one(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(absolute_https(text), expected);
    }
}
