//! SHA-256, as everything in a bundle is named by it.

use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 digest of octets, in hexadecimal digits.
pub fn sha256(octets: &[u8]) -> String {
    hex(digest(&SHA256, octets).as_ref())
}

/// The digest of a set of transcripts: of a line for each, in the order of their names, with the digest of its octets.
pub fn evidence<'a>(transcripts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut lines: Vec<String> = transcripts
        .into_iter()
        .map(|(name, octets)| format!("{}  {name}\n", sha256(octets)))
        .collect();
    lines.sort_by(|one, other| one[64..].cmp(&other[64..]));
    sha256(lines.concat().as_bytes())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_that_of_fips_180_4() {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(b"abc"), digest);
    }

    #[test]
    fn evidence_has_no_order_of_its_own() {
        let digest = |files: [(&str, &str); 2]| evidence(files.map(|(name, text)| (name, text.as_bytes())));
        assert_eq!(digest([("a", "1"), ("b", "2")]), digest([("b", "2"), ("a", "1")]));
        assert_ne!(digest([("a", "1"), ("b", "2")]), digest([("a", "2"), ("b", "1")]));
    }
}
