//! Notifications written, read and verified.

use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// The trigger of the domain facts (12), as its formula was computed elsewhere.
const TRIGGER: [u8; 20] = *b"\x02\xd8\x00\x00\x00\x00\xa7\x0cdms2.example";
const DIGEST_BY_NONCE: u128 = 0x2c35_eb3f_1752_088c_bed5_bc5e_4f1f_0601;
const DIGEST_BY_ZERO_OCTETS: u128 = 0xcdfe_6061_4456_ad3c_e909_f156_a627_0aff;

fn secret() -> Secret {
    Secret::new("srv-pw-2")
}

fn notification() -> Notification {
    Notification {
        ui_mode: UiMode::Background,
        ..Notification::new("dms2.example", 0xA7)
    }
}

fn with_digest(digest: u128) -> Vec<u8> {
    [digest.to_be_bytes().as_slice(), &TRIGGER].concat()
}

#[test]
fn a_trigger_is_the_one_computed_elsewhere() {
    assert_eq!(notification().to_octets().unwrap(), TRIGGER);
}

#[rstest]
#[case(b"trig-nonce", DIGEST_BY_NONCE)]
#[case(&[0; 4], DIGEST_BY_ZERO_OCTETS)]
fn its_digest_is_the_one_computed_elsewhere(#[case] nonce: &[u8], #[case] expected: u128) {
    assert_eq!(
        notification().sign(&secret(), nonce).unwrap(),
        with_digest(expected)
    );
}

#[test]
fn the_printed_example_of_the_specification_is_read() {
    // The appendix of OMA-TS-DM_Notification prints no digest.
    let octets = [
        &[0; 16],
        b"\x02\xD0\x00\x00\x00\x12\x34\x12com.mgmtsrv.manage".as_slice(),
    ]
    .concat();
    let signed = Notification::read(&octets).unwrap();
    assert_eq!(
        signed.notification,
        Notification {
            ui_mode: UiMode::Background,
            initiator: Initiator::User,
            ..Notification::new("com.mgmtsrv.manage", 0x1234)
        }
    );
    assert_eq!(signed.notification.version.to_string(), "1.1");
    assert_eq!(signed.observations, []);
}

#[rstest]
#[case::the_nonce(DIGEST_BY_NONCE, &ZeroNonce::ALL, Some(Proof::Nonce))]
#[case::zero(DIGEST_BY_ZERO_OCTETS, &ZeroNonce::ALL, Some(Proof::Zero(ZeroNonce::Octets)))]
#[case::zero_that_is_not_accepted(DIGEST_BY_ZERO_OCTETS, &[ZeroNonce::Text], None)]
#[case::zero_at_no_time(DIGEST_BY_ZERO_OCTETS, &[], None)]
#[case::another_digest(DIGEST_BY_NONCE ^ 1, &ZeroNonce::ALL, None)]
fn a_digest_tells_the_nonce_it_was_made_with(
    #[case] digest: u128,
    #[case] zero: &[ZeroNonce],
    #[case] expected: Option<Proof>,
) {
    let signed = Notification::read(&with_digest(digest)).unwrap();
    assert_eq!(signed.verify(&secret(), b"trig-nonce", zero), expected);
}

#[test]
fn zero_may_be_written_as_text() {
    let octets = notification().sign(&secret(), b"0x00000000").unwrap();
    let signed = Notification::read(&octets).unwrap();
    assert_eq!(
        signed.verify(&secret(), b"trig-nonce", &ZeroNonce::ALL),
        Some(Proof::Zero(ZeroNonce::Text))
    );
}

#[test]
fn a_digest_is_over_everything_behind_it() {
    let whole = Notification {
        vendor_specific: b"extra".to_vec(),
        ..notification()
    };
    let octets = whole.sign(&secret(), b"n").unwrap();
    for at in 16..octets.len() {
        let mut changed = octets.clone();
        changed[at] ^= 0x01;
        if let Ok(signed) = Notification::read(&changed) {
            assert_eq!(signed.verify(&secret(), b"n", &[]), None, "octet {at}");
        }
    }
    let signed = Notification::read(&octets).unwrap();
    assert_eq!(signed.notification, whole);
    assert_eq!(signed.verify(&secret(), b"n", &[]), Some(Proof::Nonce));
    assert_eq!(signed.verify(&Secret::new("other"), b"n", &ZeroNonce::ALL), None);
}

#[rstest]
#[case(1, "1")]
#[case(0xA7, "A7")]
#[case(0xFFFF, "FFFF")]
fn a_session_is_written_without_zeros_in_front(#[case] session_id: u16, #[case] text: &str) {
    assert_eq!(Notification::new("s", session_id).session_id_text(), text);
}

#[rstest]
#[case::nothing(0, 24)]
#[case::no_header(16, 24)]
#[case::cut_header(23, 24)]
#[case::no_identifier(24, 36)]
#[case::cut_identifier(35, 36)]
fn a_notification_that_stops_too_early_is_refused(#[case] length: usize, #[case] needed: usize) {
    let error = Notification::read(&with_digest(0)[..length]).unwrap_err();
    assert_eq!(error, NotificationError::End { at: length, needed });
}

#[test]
fn a_server_identifier_that_is_no_text_is_located() {
    let mut octets = with_digest(0);
    octets[30] = 0xFF;
    assert_eq!(
        Notification::read(&octets),
        Err(NotificationError::ServerId { at: 30 })
    );
}

#[rstest]
#[case::version(Notification { version: Version(12), ..notification() }, "`version` is `1.2`, where 1.1 belongs", 16)]
#[case::future_use(
    Notification { future_use: 0x0400_0001, ..notification() },
    "`future-use` is `0x4000001`, where zero belongs",
    17
)]
#[case::session(Notification { session_id: 0, ..notification() }, "`sessionid` is `0`, where 1 to 0xFFFF belongs", 21)]
#[case::no_server(
    Notification { server_id: String::new(), ..notification() },
    "`length-identifier` is `0`, where the length of an identifier belongs",
    23
)]
fn what_departs_is_noted_at_its_octets(
    #[case] notification: Notification,
    #[case] expected: &str,
    #[case] at: usize,
) {
    let signed = Notification::read(&notification.sign(&secret(), b"n").unwrap()).unwrap();
    let [noted] = signed.observations.as_slice() else {
        panic!("one observation expected: {:?}", signed.observations)
    };
    assert_eq!(
        (noted.departure.to_string().as_str(), noted.at.start),
        (expected, at)
    );
    assert_eq!(signed.notification, notification);
}

#[rstest]
#[case(Notification { version: Version(1024), ..notification() }, NotificationError::Field { field: "version", value: 1024, bits: 10 })]
#[case(Notification { future_use: 1 << 27, ..notification() }, NotificationError::Field { field: "future-use", value: 1 << 27, bits: 27 })]
#[case(Notification { server_id: "x".repeat(256), ..notification() }, NotificationError::ServerIdLength { octets: 256 })]
fn what_does_not_fit_is_not_written(#[case] notification: Notification, #[case] expected: NotificationError) {
    assert_eq!(notification.to_octets(), Err(expected));
}

#[test]
fn both_media_types_are_known() {
    assert!(is_media_type("application/vnd.syncml.notification"));
    assert!(is_media_type("Application/vnd.syncml.dm.notification"));
    assert!(!is_media_type("application/vnd.syncml.dm+xml"));
}

fn notifications() -> impl Strategy<Value = Notification> {
    (
        0_u16..1024,
        proptest::sample::select(UiMode::ALL.to_vec()),
        any::<bool>(),
        0_u32..1 << 27,
        any::<u16>(),
        ".{0,60}",
        proptest::collection::vec(any::<u8>(), 0..20),
    )
        .prop_map(
            |(version, ui_mode, by_user, future_use, session_id, server_id, vendor_specific)| Notification {
                version: Version(version),
                ui_mode,
                initiator: if by_user {
                    Initiator::User
                } else {
                    Initiator::Server
                },
                future_use,
                session_id,
                server_id,
                vendor_specific,
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same_and_is_verified(
        notification in notifications(),
        secret in "[ -~]{0,12}",
        nonce in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let secret = Secret::new(secret);
        let octets = notification.sign(&secret, &nonce).unwrap();
        let signed = Notification::read(&octets).unwrap();
        prop_assert_eq!(&signed.notification, &notification);
        prop_assert_eq!(signed.verify(&secret, &nonce, &[]), Some(Proof::Nonce));
        prop_assert_eq!([signed.digest.as_slice(), &signed.notification.to_octets().unwrap()].concat(), octets);
    }

    #[test]
    fn any_octets_are_read_or_refused_and_written_the_same(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        match Notification::read(&octets) {
            Ok(signed) => {
                let again = signed.notification.to_octets().unwrap();
                prop_assert_eq!(again, &octets[16..]);
            }
            Err(NotificationError::End { at, needed }) => prop_assert!(at == octets.len() && at < needed),
            Err(NotificationError::ServerId { at }) => prop_assert!((24..octets.len()).contains(&at)),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
