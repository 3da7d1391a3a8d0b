//! The code pages of client provisioning (`-//WAPFORUM//DTD PROV 1.0//EN`), as libwbxml has them.

/// Elements of page 0, from 0x05; page 1 has the same, less the outermost one.
pub(super) const ELEMENTS: [&str; 3] = ["wap-provisioningdoc", "characteristic", "parm"];

/// Name of an attribute's token, and the value that the token stands for too.
pub(super) fn attribute(page: u8, token: u8) -> Option<(&'static str, &'static str)> {
    ATTRIBUTES
        .iter()
        .find(|(of_page, of, _, _)| (*of_page, *of) == (page, token))
        .map(|(_, _, name, value)| (*name, *value))
}

/// Page and token of an attribute, and what of its value the token does not stand for yet.
///
/// Of several pages the first is taken, as other writers do it.
pub(super) fn attribute_token<'v>(name: &str, value: &'v str) -> Option<(u8, u8, &'v str)> {
    let token_of = |with: &str| {
        ATTRIBUTES
            .iter()
            .find(|(_, _, of, start)| (*of, *start) == (name, with))
            .map(|(page, token, _, _)| (*page, *token))
    };
    let whole = token_of(value).map(|(page, token)| (page, token, ""));
    whole.or_else(|| token_of("").map(|(page, token)| (page, token, value)))
}

/// What an attribute value's token stands for.
pub(super) fn value(page: u8, token: u8) -> Option<&'static str> {
    VALUES
        .iter()
        .find(|(of_page, of, _)| (*of_page, *of) == (page, token))
        .map(|(_, _, value)| *value)
}

/// Page and token of an attribute value.
pub(super) fn value_token(value: &str) -> Option<(u8, u8)> {
    VALUES
        .iter()
        .find(|(_, _, of)| *of == value)
        .map(|(page, token, _)| (*page, *token))
}

/// Page, token, name and value of attributes.
const ATTRIBUTES: [(u8, u8, &str, &str); 110] = [
    (0, 0x05, "name", ""),
    (0, 0x06, "value", ""),
    (0, 0x07, "name", "NAME"),
    (0, 0x08, "name", "NAP-ADDRESS"),
    (0, 0x09, "name", "NAP-ADDRTYPE"),
    (0, 0x0A, "name", "CALLTYPE"),
    (0, 0x0B, "name", "VALIDUNTIL"),
    (0, 0x0C, "name", "AUTHTYPE"),
    (0, 0x0D, "name", "AUTHNAME"),
    (0, 0x0E, "name", "AUTHSECRET"),
    (0, 0x0F, "name", "LINGER"),
    (0, 0x10, "name", "BEARER"),
    (0, 0x11, "name", "NAPID"),
    (0, 0x12, "name", "COUNTRY"),
    (0, 0x13, "name", "NETWORK"),
    (0, 0x14, "name", "INTERNET"),
    (0, 0x15, "name", "PROXY-ID"),
    (0, 0x16, "name", "PROXY-PROVIDER-ID"),
    (0, 0x17, "name", "DOMAIN"),
    (0, 0x18, "name", "PROVURL"),
    (0, 0x19, "name", "PXAUTH-TYPE"),
    (0, 0x1A, "name", "PXAUTH-ID"),
    (0, 0x1B, "name", "PXAUTH-PW"),
    (0, 0x1C, "name", "STARTPAGE"),
    (0, 0x1D, "name", "BASAUTH-ID"),
    (0, 0x1E, "name", "BASAUTH-PW"),
    (0, 0x1F, "name", "PUSHENABLED"),
    (0, 0x20, "name", "PXADDR"),
    (0, 0x21, "name", "PXADDRTYPE"),
    (0, 0x22, "name", "TO-NAPID"),
    (0, 0x23, "name", "PORTNBR"),
    (0, 0x24, "name", "SERVICE"),
    (0, 0x25, "name", "LINKSPEED"),
    (0, 0x26, "name", "DNLINKSPEED"),
    (0, 0x27, "name", "LOCAL-ADDR"),
    (0, 0x28, "name", "LOCAL-ADDRTYPE"),
    (0, 0x29, "name", "CONTEXT-ALLOW"),
    (0, 0x2A, "name", "TRUST"),
    (0, 0x2B, "name", "MASTER"),
    (0, 0x2C, "name", "SID"),
    (0, 0x2D, "name", "SOC"),
    (0, 0x2E, "name", "WSP-VERSION"),
    (0, 0x2F, "name", "PHYSICAL-PROXY-ID"),
    (0, 0x30, "name", "CLIENT-ID"),
    (0, 0x31, "name", "DELIVERY-ERR-SDU"),
    (0, 0x32, "name", "DELIVERY-ORDER"),
    (0, 0x33, "name", "TRAFFIC-CLASS"),
    (0, 0x34, "name", "MAX-SDU-SIZE"),
    (0, 0x35, "name", "MAX-BITRATE-UPLINK"),
    (0, 0x36, "name", "MAX-BITRATE-DNLINK"),
    (0, 0x37, "name", "RESIDUAL-BER"),
    (0, 0x38, "name", "SDU-ERROR-RATIO"),
    (0, 0x39, "name", "TRAFFIC-HANDL-PRIO"),
    (0, 0x3A, "name", "TRANSFER-DELAY"),
    (0, 0x3B, "name", "GUARANTEED-BITRATE-UPLINK"),
    (0, 0x3C, "name", "GUARANTEED-BITRATE-DNLINK"),
    (0, 0x3D, "name", "PXADDR-FQDN"),
    (0, 0x3E, "name", "PROXY-PW"),
    (0, 0x3F, "name", "PPGAUTH-TYPE"),
    (0, 0x45, "version", ""),
    (0, 0x46, "version", "1.0"),
    (0, 0x47, "name", "PULLENABLED"),
    (0, 0x48, "name", "DNS-ADDR"),
    (0, 0x49, "name", "MAX-NUM-RETRY"),
    (0, 0x4A, "name", "FIRST-RETRY-TIMEOUT"),
    (0, 0x4B, "name", "REREG-THRESHOLD"),
    (0, 0x4C, "name", "T-BIT"),
    (0, 0x4E, "name", "AUTH-ENTITY"),
    (0, 0x4F, "name", "SPI"),
    (0, 0x50, "type", ""),
    (0, 0x51, "type", "PXLOGICAL"),
    (0, 0x52, "type", "PXPHYSICAL"),
    (0, 0x53, "type", "PORT"),
    (0, 0x54, "type", "VALIDITY"),
    (0, 0x55, "type", "NAPDEF"),
    (0, 0x56, "type", "BOOTSTRAP"),
    (0, 0x57, "type", "VENDORCONFIG"),
    (0, 0x58, "type", "CLIENTIDENTITY"),
    (0, 0x59, "type", "PXAUTHINFO"),
    (0, 0x5A, "type", "NAPAUTHINFO"),
    (0, 0x5B, "type", "ACCESS"),
    (1, 0x05, "name", ""),
    (1, 0x06, "value", ""),
    (1, 0x07, "name", "NAME"),
    (1, 0x14, "name", "INTERNET"),
    (1, 0x1C, "name", "STARTPAGE"),
    (1, 0x22, "name", "TO-NAPID"),
    (1, 0x23, "name", "PORTNBR"),
    (1, 0x24, "name", "SERVICE"),
    (1, 0x2E, "name", "AACCEPT"),
    (1, 0x2F, "name", "AAUTHDATA"),
    (1, 0x30, "name", "AAUTHLEVEL"),
    (1, 0x31, "name", "AAUTHNAME"),
    (1, 0x32, "name", "AAUTHSECRET"),
    (1, 0x33, "name", "AAUTHTYPE"),
    (1, 0x34, "name", "ADDR"),
    (1, 0x35, "name", "ADDRTYPE"),
    (1, 0x36, "name", "APPID"),
    (1, 0x37, "name", "APROTOCOL"),
    (1, 0x38, "name", "PROVIDER-ID"),
    (1, 0x39, "name", "TO-PROXY"),
    (1, 0x3A, "name", "URI"),
    (1, 0x3B, "name", "RULE"),
    (1, 0x50, "type", ""),
    (1, 0x53, "type", "PORT"),
    (1, 0x55, "type", "APPLICATION"),
    (1, 0x56, "type", "APPADDR"),
    (1, 0x57, "type", "APPAUTH"),
    (1, 0x58, "type", "CLIENTIDENTITY"),
    (1, 0x59, "type", "RESOURCE"),
];

/// Page, token and text of attribute values.
const VALUES: [(u8, u8, &str); 67] = [
    (0, 0x85, "IPV4"),
    (0, 0x86, "IPV6"),
    (0, 0x87, "E164"),
    (0, 0x88, "ALPHA"),
    (0, 0x89, "APN"),
    (0, 0x8A, "SCODE"),
    (0, 0x8B, "TETRA-ITSI"),
    (0, 0x8C, "MAN"),
    (0, 0x90, "ANALOG-MODEM"),
    (0, 0x91, "V.120"),
    (0, 0x92, "V.110"),
    (0, 0x93, "X.31"),
    (0, 0x94, "BIT-TRANSPARENT"),
    (0, 0x95, "DIRECT-ASYNCHRONOUS-DATA-SERVICE"),
    (0, 0x9A, "PAP"),
    (0, 0x9B, "CHAP"),
    (0, 0x9C, "HTTP-BASIC"),
    (0, 0x9D, "HTTP-DIGEST"),
    (0, 0x9E, "WTLS-SS"),
    (0, 0x9F, "MD5"),
    (0, 0xA2, "GSM-USSD"),
    (0, 0xA3, "GSM-SMS"),
    (0, 0xA4, "ANSI-136-GUTS"),
    (0, 0xA5, "IS-95-CDMA-SMS"),
    (0, 0xA6, "IS-95-CDMA-CSD"),
    (0, 0xA7, "IS-95-CDMA-PACKET"),
    (0, 0xA8, "ANSI-136-CSD"),
    (0, 0xA9, "ANSI-136-GPRS"),
    (0, 0xAA, "GSM-CSD"),
    (0, 0xAB, "GSM-GPRS"),
    (0, 0xAC, "AMPS-CDPD"),
    (0, 0xAD, "PDC-CSD"),
    (0, 0xAE, "PDC-PACKET"),
    (0, 0xAF, "IDEN-SMS"),
    (0, 0xB0, "IDEN-CSD"),
    (0, 0xB1, "IDEN-PACKET"),
    (0, 0xB2, "FLEX/REFLEX"),
    (0, 0xB3, "PHS-SMS"),
    (0, 0xB4, "PHS-CSD"),
    (0, 0xB5, "TRETRA-SDS"),
    (0, 0xB6, "TRETRA-PACKET"),
    (0, 0xB7, "ANSI-136-GHOST"),
    (0, 0xB8, "MOBITEX-MPAK"),
    (0, 0xB9, "CDMA2000-1X-SIMPLE-IP"),
    (0, 0xBA, "CDMA2000-1X-MOBILE-IP"),
    (0, 0xC5, "AUTOBAUDING"),
    (0, 0xCA, "CL-WSP"),
    (0, 0xCB, "CO-WSP"),
    (0, 0xCC, "CL-SEC-WSP"),
    (0, 0xCD, "CO-SEC-WSP"),
    (0, 0xCE, "CL-SEC-WTA"),
    (0, 0xCF, "CO-SEC-WTA"),
    (0, 0xD0, "OTA-HTTP-TO"),
    (0, 0xD1, "OTA-HTTP-TLS-TO"),
    (0, 0xD2, "OTA-HTTP-PO"),
    (0, 0xD3, "OTA-HTTP-TLS-PO"),
    (0, 0xE0, "AAA"),
    (0, 0xE1, "HA"),
    (1, 0x86, "IPV6"),
    (1, 0x87, "E164"),
    (1, 0x88, "ALPHA"),
    (1, 0x8D, "APPSRV"),
    (1, 0x8E, "OBEX"),
    (1, 0x90, ","),
    (1, 0x91, "HTTP-"),
    (1, 0x92, "BASIC"),
    (1, 0x93, "DIGEST"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_one_of_its_text() {
        for (page, token, name, value) in ATTRIBUTES {
            assert_eq!(attribute(page, token), Some((name, value)));
            let (page, token, left) = attribute_token(name, value).unwrap();
            assert_eq!((attribute(page, token), left), (Some((name, value)), ""));
        }
        for (page, token, text) in VALUES {
            assert_eq!(value(page, token), Some(text));
            let (page, token) = value_token(text).unwrap();
            assert_eq!(value(page, token), Some(text));
        }
    }

    #[test]
    fn a_token_for_the_whole_attribute_goes_before_one_for_its_name() {
        assert_eq!(attribute_token("name", "APPID"), Some((1, 0x36, "")));
        assert_eq!(attribute_token("name", "FOO"), Some((0, 0x05, "FOO")));
        assert_eq!(
            attribute_token("name", "NAME"),
            Some((0, 0x07, "")),
            "of two pages the first"
        );
        assert_eq!(attribute_token("version", "1.1"), Some((0, 0x45, "1.1")));
        assert_eq!(attribute_token("colour", "red"), None);
    }
}
