//! What a seed decides.

/// A number from `low` up to and including `high`: FNV-1a over the purpose, then the finaliser of `SplitMix64`.
pub(crate) fn number(seed: u64, purpose: &str, low: u64, high: u64) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mix = |hash: u64, octet: u8| (hash ^ u64::from(octet)).wrapping_mul(PRIME);
    let hash = purpose.bytes().chain(seed.to_le_bytes()).fold(BASIS, mix);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let hash = hash ^ (hash >> 31);
    match high.saturating_sub(low).checked_add(1) {
        Some(span) => low + hash % span,
        None => hash,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_decides_the_same_and_another_one_something_else() {
        let decided = |seed| (0..16).map(move |at| number(seed, &format!("piece {at}"), 1, 1_000_000));
        assert!(decided(1).eq(decided(1)));
        assert!(!decided(1).eq(decided(2)));
    }

    #[test]
    fn numbers_lie_between_the_bounds_and_reach_them() {
        let found: Vec<u64> = (0..200).map(|seed| number(seed, "", 3, 5)).collect();
        assert!(found.iter().all(|number| (3..=5).contains(number)));
        assert!([3, 4, 5].iter().all(|number| found.contains(number)));
        assert!(number(7, "all of it", 0, u64::MAX) > 0);
    }
}
