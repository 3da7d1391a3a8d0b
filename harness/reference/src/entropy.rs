//! Tokens and nonces that nobody can guess.

use rustls::crypto::{SecureRandom, aws_lc_rs};

/// That many random octets.
pub(crate) fn octets<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut octets = [0; LENGTH];
    let random: &dyn SecureRandom = aws_lc_rs::default_provider().secure_random;
    random
        .fill(&mut octets)
        .expect("the operating system gives random numbers");
    octets
}

/// A text of 32 hexadecimal digits.
pub(crate) fn token() -> String {
    format!("{:032x}", u128::from_be_bytes(octets()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_differ() {
        let (one, other) = (token(), token());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
