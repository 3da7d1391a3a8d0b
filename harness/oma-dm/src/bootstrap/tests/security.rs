//! `SEC` and `MAC`: what is computed, what is checked, and what does not pass.

use rstest::rstest;

use super::super::*;
use super::account;
use crate::auth::Secret;

/// The document of the vectors.
const DOCUMENT: &[u8] = b"\x02\xa4\x01\x6a\x00demo";

fn keys(pin: &str, network_secret: &str) -> Keys {
    Keys {
        network_secret: Some(network_secret.as_bytes().to_vec()),
        user_pin: Some(Secret::new(pin)),
    }
}

fn document(form: Form) -> Vec<u8> {
    write(&[(&account("dms2.example")).into()], form).unwrap()
}

fn read_with(document: &[u8], media_type: &str, protection: &Protection) -> Result<Integrity, String> {
    read_protected(document, media_type, protection)
        .map(|bootstrap| bootstrap.integrity)
        .map_err(|error| error.to_string())
}

#[rstest]
#[case(
    Form::PROVISIONING_WBXML,
    SecurityMethod::UserPin,
    "application/vnd.wap.connectivity-wbxml;SEC=1;MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BC7"
)]
#[case(
    Form::DM_WBXML,
    SecurityMethod::UserPin,
    "application/vnd.syncml.dm+wbxml;SEC=USERPIN;MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BC7"
)]
#[case(
    Form::PROVISIONING_XML,
    SecurityMethod::UserPinAndNetworkSecret,
    "text/vnd.wap.connectivity-xml;SEC=2;MAC=00912CAD53503602F4D3BA148BCEEB40A9EC7CD4"
)]
#[case(
    Form::DM_WBXML,
    SecurityMethod::UserPinAndNetworkSecret,
    "application/vnd.syncml.dm+wbxml;SEC=USERPIN_NETWORKID;MAC=00912CAD53503602F4D3BA148BCEEB40A9EC7CD4"
)]
fn a_mac_is_the_one_computed_elsewhere(
    #[case] form: Form,
    #[case] method: SecurityMethod,
    #[case] expected: &str,
) {
    let media_type = protect(DOCUMENT, form, method, &keys("1234", "4444333322221111")).unwrap();
    assert_eq!(media_type.to_string(), expected);
}

#[test]
fn the_secret_of_the_network_is_a_key_of_its_own() {
    // The same octets as the PIN of the vector.
    let by_network = Keys {
        network_secret: Some(b"1234".to_vec()),
        user_pin: None,
    };
    let media_type = protect(
        DOCUMENT,
        Form::DM_WBXML,
        SecurityMethod::NetworkSecret,
        &by_network,
    );
    assert_eq!(
        media_type.unwrap().to_string(),
        "application/vnd.syncml.dm+wbxml;SEC=NETWORKID;MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BC7"
    );
}

#[test]
fn a_pin_can_carry_the_mac_itself() {
    // 0x75, 0xC1, 0xAA and 0x15 modulo 10.
    let typed = pin_with_mac(&Secret::new("1234"), DOCUMENT).unwrap();
    assert_eq!(typed.expose(), "12347301");
    assert_eq!(
        pin_with_mac(&Secret::new(""), DOCUMENT),
        Err(SecurityError::Pin { octets: 0 })
    );
    assert!(pin_with_mac(&Secret::new("12345678901234567890"), DOCUMENT).is_ok());
    assert!(pin_with_mac(&Secret::new("123456789012345678901"), DOCUMENT).is_err());
}

#[rstest]
fn what_is_protected_is_verified_with_the_same_keys_and_not_with_others(
    #[values(
        Form::DM_WBXML,
        Form::DM_XML,
        Form::PROVISIONING_WBXML,
        Form::PROVISIONING_XML
    )]
    form: Form,
    #[values(
        SecurityMethod::NetworkSecret,
        SecurityMethod::UserPin,
        SecurityMethod::UserPinAndNetworkSecret
    )]
    method: SecurityMethod,
) {
    let document = document(form);
    let right = keys("1234", "network");
    let media_type = protect(&document, form, method, &right).unwrap().to_string();
    let with = |keys: Keys| read_with(&document, &media_type, &Protection::by_mac(keys));
    assert_eq!(with(right.clone()), Ok(Integrity::Verified(method)));
    let wrong = format!("the MAC of the bootstrap is not the one of this document and key ({method:?})");
    assert_eq!(with(keys("1235", "netWork")), Err(wrong.clone()));

    let mut changed = document.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert_eq!(
        read_with(&changed, &media_type, &Protection::by_mac(right)),
        Err(wrong)
    );
}

#[rstest]
#[case("12347301", false)]
#[case("12347300", false)]
#[case("1234", false)]
#[case("", false)]
#[case("(the right one)", true)]
fn a_typed_pin_is_right_only_with_the_digits_of_this_document(#[case] typed: &str, #[case] is_right: bool) {
    let form = Form::PROVISIONING_WBXML;
    let document = document(form);
    let method = SecurityMethod::UserPinMac;
    let typed = match is_right {
        true => pin_with_mac(&Secret::new("1234"), &document).unwrap(),
        false => Secret::new(typed),
    };
    let keys = Keys {
        user_pin: Some(typed),
        ..Keys::default()
    };
    let media_type = protect(&document, form, method, &keys).unwrap().to_string();
    assert_eq!(media_type, "application/vnd.wap.connectivity-wbxml;SEC=3");
    let read = read_with(&document, &media_type, &Protection::by_mac(keys));
    assert_eq!(read == Ok(Integrity::Verified(method)), is_right, "{read:?}");
}

#[rstest]
#[case::nothing("", "the bootstrap carries no MAC; send it with `SEC` and `MAC`")]
#[case::no_mac(
    ";SEC=1",
    "the media type of the bootstrap lacks the parameter `MAC`; `SEC` and `MAC` go together"
)]
#[case::no_method(
    ";MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BC7",
    "the media type of the bootstrap lacks the parameter `SEC`; `SEC` and `MAC` go together"
)]
#[case::method_of_the_other_profile(
    ";SEC=USERPIN;MAC=00",
    "`SEC=USERPIN` in the media type of the bootstrap; write 0, 1, 2 or 3"
)]
#[case::short_mac(
    ";SEC=1;MAC=75C1",
    "`MAC=75C1` in the media type of the bootstrap is no HMAC-SHA1; write 40 hexadecimal digits"
)]
#[case::no_hexadecimal(
    ";SEC=1;MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BCX",
    "`MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BCX` in the media type of the bootstrap is no HMAC-SHA1; write 40 hexadecimal digits"
)]
#[case::other_key(
    ";SEC=0;MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BC7",
    "there is no key for the bootstrap's MAC (NetworkSecret); give the PIN or the network's secret"
)]
#[case::wrong(
    ";SEC=1;MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BC7",
    "the MAC of the bootstrap is not the one of this document and key (UserPin)"
)]
#[case::unreadable_parameters(";SEC=1;MAC", "the bootstrap carries no MAC; send it with `SEC` and `MAC`")]
fn what_is_not_protected_is_refused_where_that_is_wanted(#[case] parameters: &str, #[case] expected: &str) {
    let form = Form::PROVISIONING_WBXML;
    let keys = Keys {
        user_pin: Some(Secret::new("1234")),
        ..Keys::default()
    };
    let media_type = format!("{}{parameters}", form.media_type());
    let read = read_with(&document(form), &media_type, &Protection::by_mac(keys));
    assert_eq!(read, Err(expected.to_owned()));
}

#[rstest]
#[case::nothing("", Integrity::Unprotected, &[])]
#[case::a_mac(";SEC=1;MAC=75C1AA1503420133D3D178DE4E1540EAC8A62BC7", Integrity::Unchecked(SecurityMethod::UserPin), &[])]
#[case::a_pin_that_carries_it(";SEC=3", Integrity::Unchecked(SecurityMethod::UserPinMac), &[])]
#[case::lower_case(
    ";SEC=1;MAC=75c1aa1503420133d3d178de4e1540eac8a62bc7",
    Integrity::Unchecked(SecurityMethod::UserPin),
    &["Content-Type: `MAC` is `75c1aa1503420133d3d178de4e1540eac8a62bc7`, where upper-case hexadecimal belongs"]
)]
#[case::no_mac(";SEC=1", Integrity::Unprotected, &["Content-Type: `MAC` is missing"])]
#[case::no_method(";MAC=00", Integrity::Unprotected, &["Content-Type: `SEC` is missing"])]
#[case::unknown_method(";SEC=7", Integrity::Unprotected, &["Content-Type: `SEC` is `7`, where 0, 1, 2 or 3 belongs"])]
#[case::short_mac(";SEC=1;MAC=00", Integrity::Unprotected, &["Content-Type: `MAC` is `00`, where an HMAC-SHA1 in hexadecimal belongs"])]
#[case::unreadable_parameters(
    ";SEC",
    Integrity::Unprotected,
    &["Content-Type: `Content-Type` is `application/vnd.wap.connectivity-wbxml;SEC`, where a media type belongs"]
)]
fn over_a_connection_that_protects_it_a_mac_is_noted_and_not_needed(
    #[case] parameters: &str,
    #[case] integrity: Integrity,
    #[case] noted: &[&str],
) {
    let form = Form::PROVISIONING_WBXML;
    let bootstrap = read(&document(form), &format!("{}{parameters}", form.media_type())).unwrap();
    assert_eq!(bootstrap.integrity, integrity);
    let observations: Vec<_> = bootstrap
        .observations
        .iter()
        .map(|noted| format!("{}: {}", noted.path, noted.departure))
        .collect();
    assert_eq!(observations, noted);
}

#[test]
fn a_key_at_hand_is_used_even_where_none_is_needed() {
    let form = Form::DM_WBXML;
    let document = document(form);
    let right = keys("1234", "network");
    let media_type = protect(&document, form, SecurityMethod::UserPin, &right)
        .unwrap()
        .to_string();
    let optional = |keys| Protection {
        keys,
        is_required: false,
    };
    assert_eq!(
        read_with(&document, &media_type, &optional(right)),
        Ok(Integrity::Verified(SecurityMethod::UserPin))
    );
    assert!(read_with(&document, &media_type, &optional(keys("9", "network"))).is_err());
}

#[test]
fn a_method_without_key_or_outside_of_its_profile_protects_nothing() {
    let without = protect(
        DOCUMENT,
        Form::DM_WBXML,
        SecurityMethod::UserPin,
        &Keys::default(),
    );
    assert_eq!(
        without,
        Err(SecurityError::NoKey {
            method: SecurityMethod::UserPin
        })
    );
    let of_the_other = protect(
        DOCUMENT,
        Form::DM_WBXML,
        SecurityMethod::UserPinMac,
        &keys("1234", ""),
    );
    assert_eq!(
        of_the_other,
        Err(SecurityError::NotOfProfile {
            method: SecurityMethod::UserPinMac
        })
    );
}

#[test]
fn every_method_goes_to_its_value_and_back() {
    for profile in [Profile::Dm, Profile::ClientProvisioning] {
        for method in SecurityMethod::ALL {
            if let Some(value) = method.value(profile) {
                assert_eq!(SecurityMethod::from_value(profile, value), Some(method));
            }
        }
    }
    let names = SecurityMethod::ALL.map(|method| method.name(Profile::ClientProvisioning));
    assert_eq!(
        names,
        ["NETWPIN", "USERPIN", "USERNETWPIN", "USERPINMAC"].map(Some)
    );
}

#[test]
fn keys_are_not_printed() {
    let printed = format!("{:?}", Protection::by_mac(keys("1234", "network")));
    assert!(
        !printed.contains("1234") && !printed.contains("network\"") && !printed.contains("110"),
        "{printed}"
    );
}
