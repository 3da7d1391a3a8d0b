//! What somebody can do to a bundle without a key of their own, or with one that nobody trusts.

use dmconform_bundle::{Files, SigningKey, Trust, names, pack, seal, unpack, verify};
use rstest::rstest;

use super::forger::refused;
use super::lab::{LAB, lab_key};

#[test]
fn any_bit_that_is_changed_is_noticed() {
    let octets = LAB.bundle.len();
    let in_the_middle = (0..octets).step_by(octets / 97);
    let at_the_ends = (0..1_024).step_by(31).chain(octets - 1_536..octets);
    for at in in_the_middle.chain(at_the_ends.step_by(11)) {
        let mut changed = LAB.bundle.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(verify(&changed, &Trust::Anybody).is_err(), "octet {at}");
    }
}

#[test]
fn a_bundle_that_was_cut_is_refused_wherever_it_was() {
    for end in (0..LAB.bundle.len()).step_by(LAB.bundle.len() / 23) {
        assert!(
            verify(&LAB.bundle[..end], &Trust::Anybody).is_err(),
            "octet {end}"
        );
    }
}

#[rstest]
#[case::taken_out(|files: &mut Files| drop(files.remove(names::CASES)), "missing")]
#[case::put_in(|files: &mut Files| drop(files.insert("waiver.txt".to_owned(), b"all is well".to_vec())), "added")]
#[case::changed(|files: &mut Files| files.get_mut(names::RESULTS).expect("it is there").push(b' '), "changed")]
#[case::without_a_signature(|files: &mut Files| drop(files.remove(names::STATEMENT)), "missing")]
fn a_file_that_is_not_as_it_was_signed_is_named(#[case] change: fn(&mut Files), #[case] expected: &str) {
    let mut files = unpack(&LAB.bundle).expect("it is an archive");
    change(&mut files);
    assert_eq!(
        refused(&pack(&files).expect("the names are good")).code(),
        expected
    );
}

#[test]
fn the_key_of_somebody_else_is_refused() {
    let attacker = SigningKey::generate().expect("there is randomness");
    let files = unpack(&LAB.bundle).expect("it is an archive");
    let sealed = seal(files, &attacker).expect("it can be sealed");
    assert!(verify(&sealed, &Trust::Anybody).is_ok(), "what is in it is true");
    let lab = Trust::Fingerprint(lab_key().public().fingerprint());
    assert_eq!(
        verify(&sealed, &lab).expect_err("it is another key").code(),
        "other-key"
    );
    let mut files = unpack(&LAB.bundle).expect("it is an archive");
    files.insert(names::KEY.to_owned(), attacker.public().to_pem().into_bytes());
    assert_eq!(
        refused(&pack(&files).expect("the names are good")).code(),
        "other-key"
    );
}
