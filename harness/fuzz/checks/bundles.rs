//! Bundles of certifications: whatever is in an archive, it is refused or true; what is unpacked is packed to the same octets.

use dmconform_bundle::{Trust, pack, unpack, verify};

/// Panics where it is not so.
pub(crate) fn check(octets: &[u8]) {
    if let Ok(files) = unpack(octets) {
        assert_eq!(pack(&files).expect("what was unpacked can be packed"), octets);
    }
    let _ = verify(octets, &Trust::Anybody);
}
