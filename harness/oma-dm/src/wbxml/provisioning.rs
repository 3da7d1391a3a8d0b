//! The code pages of client provisioning (OMA-WAP-ProvCont 1.1), from which bootstraps of the `w7` profile are made.

/// The elements, from 0x05. Page 1 has the same, less the outermost one.
pub(super) const ELEMENTS: [&str; 3] = ["wap-provisioningdoc", "characteristic", "parm"];

/// An attribute's token: page, token, the attribute's name, and the whole of its value where the token stands for that too.
pub(super) type AttributeRow = (u8, u8, &'static str, Option<&'static str>);

/// Tokens that follow each other: page, the first of them, and what each of them stands for; nothing stands for a reserved one.
type Run = (u8, u8, &'static [&'static str]);

/// All attribute tokens.
pub(super) fn attributes() -> impl Iterator<Item = AttributeRow> {
    let values = |runs: &'static [Run], name| {
        rows(runs).map(move |(page, token, value)| (page, token, name, Some(value)))
    };
    PLAIN
        .into_iter()
        .map(|(page, token, name)| (page, token, name, None))
        .chain([(0, 0x46, "version", Some("1.0"))])
        .chain(values(&PARAMETERS, "name"))
        .chain(values(&CHARACTERISTICS, "type"))
}

/// All tokens for values of attributes: page, token, value.
pub(super) fn values() -> impl Iterator<Item = (u8, u8, &'static str)> {
    rows(&VALUES)
}

fn rows(runs: &'static [Run]) -> impl Iterator<Item = (u8, u8, &'static str)> {
    runs.iter()
        .flat_map(|(page, first, names)| {
            (*first..)
                .zip(names.iter())
                .map(|(token, name)| (*page, token, *name))
        })
        .filter(|(_, _, name)| !name.is_empty())
}

/// Attributes whose value follows.
const PLAIN: [(u8, u8, &str); 7] = [
    (0, 0x05, "name"),
    (0, 0x06, "value"),
    (0, 0x45, "version"),
    (0, 0x50, "type"),
    (1, 0x05, "name"),
    (1, 0x06, "value"),
    (1, 0x50, "type"),
];

/// Names of parameters.
const PARAMETERS: [Run; 8] = [
    (
        0,
        0x07,
        &[
            "NAME",
            "NAP-ADDRESS",
            "NAP-ADDRTYPE",
            "CALLTYPE",
            "VALIDUNTIL",
            "AUTHTYPE",
            "AUTHNAME",
            "AUTHSECRET",
            "LINGER",
            "BEARER",
            "NAPID",
            "COUNTRY",
            "NETWORK",
            "INTERNET",
            "PROXY-ID",
            "PROXY-PROVIDER-ID",
            "DOMAIN",
            "PROVURL",
            "PXAUTH-TYPE",
            "PXAUTH-ID",
            "PXAUTH-PW",
            "STARTPAGE",
            "BASAUTH-ID",
            "BASAUTH-PW",
            "PUSHENABLED",
            "PXADDR",
            "PXADDRTYPE",
            "TO-NAPID",
            "PORTNBR",
            "SERVICE",
            "LINKSPEED",
            "DNLINKSPEED",
            "LOCAL-ADDR",
            "LOCAL-ADDRTYPE",
            "CONTEXT-ALLOW",
            "TRUST",
            "MASTER",
            "SID",
            "SOC",
            "WSP-VERSION",
            "PHYSICAL-PROXY-ID",
            "CLIENT-ID",
            "DELIVERY-ERR-SDU",
            "DELIVERY-ORDER",
            "TRAFFIC-CLASS",
            "MAX-SDU-SIZE",
            "MAX-BITRATE-UPLINK",
            "MAX-BITRATE-DNLINK",
            "RESIDUAL-BER",
            "SDU-ERROR-RATIO",
            "TRAFFIC-HANDL-PRIO",
            "TRANSFER-DELAY",
            "GUARANTEED-BITRATE-UPLINK",
            "GUARANTEED-BITRATE-DNLINK",
            "PXADDR-FQDN",
            "PROXY-PW",
            "PPGAUTH-TYPE",
        ],
    ),
    (
        0,
        0x47,
        &[
            "PULLENABLED",
            "DNS-ADDR",
            "MAX-NUM-RETRY",
            "FIRST-RETRY-TIMEOUT",
            "REREG-THRESHOLD",
            "T-BIT",
            "",
            "AUTH-ENTITY",
            "SPI",
        ],
    ),
    (1, 0x07, &["NAME"]),
    (1, 0x14, &["INTERNET"]),
    (1, 0x1C, &["STARTPAGE"]),
    (1, 0x22, &["TO-NAPID"]),
    (1, 0x23, &["PORTNBR", "SERVICE"]),
    (
        1,
        0x2E,
        &[
            "AACCEPT",
            "AAUTHDATA",
            "AAUTHLEVEL",
            "AAUTHNAME",
            "AAUTHSECRET",
            "AAUTHTYPE",
            "ADDR",
            "ADDRTYPE",
            "APPID",
            "APROTOCOL",
            "PROVIDER-ID",
            "TO-PROXY",
            "URI",
            "RULE",
        ],
    ),
];

/// Types of characteristics.
const CHARACTERISTICS: [Run; 3] = [
    (
        0,
        0x51,
        &[
            "PXLOGICAL",
            "PXPHYSICAL",
            "PORT",
            "VALIDITY",
            "NAPDEF",
            "BOOTSTRAP",
            "VENDORCONFIG",
            "CLIENTIDENTITY",
            "PXAUTHINFO",
            "NAPAUTHINFO",
            "ACCESS",
        ],
    ),
    (1, 0x53, &["PORT"]),
    (
        1,
        0x55,
        &["APPLICATION", "APPADDR", "APPAUTH", "CLIENTIDENTITY", "RESOURCE"],
    ),
];

/// Values of parameters.
const VALUES: [Run; 10] = [
    (
        0,
        0x85,
        &[
            "IPV4",
            "IPV6",
            "E164",
            "ALPHA",
            "APN",
            "SCODE",
            "TETRA-ITSI",
            "MAN",
        ],
    ),
    (
        0,
        0x90,
        &[
            "ANALOG-MODEM",
            "V.120",
            "V.110",
            "X.31",
            "BIT-TRANSPARENT",
            "DIRECT-ASYNCHRONOUS-DATA-SERVICE",
        ],
    ),
    (
        0,
        0x9A,
        &["PAP", "CHAP", "HTTP-BASIC", "HTTP-DIGEST", "WTLS-SS", "MD5"],
    ),
    (
        0,
        0xA2,
        &[
            "GSM-USSD",
            "GSM-SMS",
            "ANSI-136-GUTS",
            "IS-95-CDMA-SMS",
            "IS-95-CDMA-CSD",
            "IS-95-CDMA-PACKET",
            "ANSI-136-CSD",
            "ANSI-136-GPRS",
            "GSM-CSD",
            "GSM-GPRS",
            "AMPS-CDPD",
            "PDC-CSD",
            "PDC-PACKET",
            "IDEN-SMS",
            "IDEN-CSD",
            "IDEN-PACKET",
            "FLEX/REFLEX",
            "PHS-SMS",
            "PHS-CSD",
            "TETRA-SDS",
            "TETRA-PACKET",
            "ANSI-136-GHOST",
            "MOBITEX-MPAK",
            "CDMA2000-1X-SIMPLE-IP",
            "CDMA2000-1X-MOBILE-IP",
        ],
    ),
    (0, 0xC5, &["AUTOBAUDING"]),
    (
        0,
        0xCA,
        &[
            "CL-WSP",
            "CO-WSP",
            "CL-SEC-WSP",
            "CO-SEC-WSP",
            "CL-SEC-WTA",
            "CO-SEC-WTA",
            "OTA-HTTP-TO",
            "OTA-HTTP-TLS-TO",
            "OTA-HTTP-PO",
            "OTA-HTTP-TLS-PO",
        ],
    ),
    (0, 0xE0, &["AAA", "HA"]),
    (1, 0x86, &["IPV6", "E164", "ALPHA"]),
    (1, 0x8D, &["APPSRV", "OBEX"]),
    (1, 0x90, &[",", "HTTP-", "BASIC", "DIGEST"]),
];
