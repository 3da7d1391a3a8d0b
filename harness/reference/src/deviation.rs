//! The named, deliberate defects that this implementation can be given.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::role::RoleName;

/// Declares the deviations once: variant, name, whose it can be, and what it breaks.
macro_rules! deviations {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal of [$($role:ident),+],)+) => {
        /// One deliberate defect. Each changes nothing but what it says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Deviation {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Deviation {
            /// Every deviation, in the order of the steps.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as it is written on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The roles that can have it.
            pub const fn roles(self) -> &'static [RoleName] {
                match self {
                    $(Self::$variant => &[$(RoleName::$role),+],)+
                }
            }

            /// What it breaks, in a sentence that begins with the requirements.
            pub const fn breaks(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

deviations! {
    // Step 1: the connections.
    /// DEL-1-1: a server answers delegation messages that come without TLS as well.
    AcceptsPlaintext = "accepts-plaintext" of [Dms1, Dms2],
    /// DEL-1-1: a server sends its delegation messages without TLS.
    SendsPlaintext = "sends-plaintext" of [Dms1, Dms2],
    /// DEL-1-2: a server takes delegation messages from peers without a certificate, or with one from anybody.
    AcceptsAnyClientCertificate = "accepts-any-client-certificate" of [Dms1, Dms2],
    /// DEL-1-2: a server sends delegation messages to a peer whose certificate is from anybody.
    AcceptsAnyServerCertificate = "accepts-any-server-certificate" of [Dms1, Dms2],
    /// DEL-1-2: a server asks for certificates, and looks at them, under TLS 1.3 only.
    TrustsPeersOfTls12 = "trusts-peers-of-tls-1.2" of [Dms1, Dms2],
    /// DEL-1-3: a server ignores that the peer's certificate has expired or is not yet valid.
    IgnoresExpiredCertificate = "ignores-expired-certificate" of [Dms1, Dms2],
    /// DEL-1-3: a server ignores that the peer's certificate is not for that use.
    IgnoresCertificatePurpose = "ignores-certificate-purpose" of [Dms1, Dms2],
    /// DEL-1-4: a server, as TLS client, does not check that the certificate is for the host it dialled.
    SkipsServerNameCheck = "skips-server-name-check" of [Dms1, Dms2],
    /// DEL-1-5: a server does not check that the peer's certificate names the server the message speaks for.
    AcceptsCertificateOfAnotherServer = "accepts-certificate-of-another-server" of [Dms1, Dms2],
    /// DEL-1-5: a server does not look at revocation lists.
    IgnoresRevocation = "ignores-revocation" of [Dms1, Dms2],
    /// DEL-1-6: the client talks to servers whatever their certificate.
    ClientIgnoresServerCertificate = "client-ignores-server-certificate" of [DmClient],
    /// DEL-1-6: the client looks at certificates under TLS 1.3 only.
    ClientTrustsServersOfTls12 = "client-trusts-servers-of-tls-1.2" of [DmClient],
    /// DEL-1-6: the client ignores that a server's certificate has expired or is not yet valid.
    ClientIgnoresExpiredCertificate = "client-ignores-expired-certificate" of [DmClient],
    /// DEL-1-6: the client does not check that the certificate is for the host it dialled.
    ClientSkipsServerNameCheck = "client-skips-server-name-check" of [DmClient],
    // Step 2: the opening.
    /// DEL-2-1: the opener takes the order, and sends nothing.
    NeverOpens = "never-opens" of [Dms1, Dms2],
    /// DEL-2-1: DMS-1 begins with step 3.
    SkipsInitiation = "skips-initiation" of [Dms1],
    /// DEL-2-2: the initiation request names no server.
    InitiationWithoutServers = "initiation-without-servers" of [Dms1, Dms2],
    /// DEL-2-2: the initiation request names no device.
    InitiationWithoutDevice = "initiation-without-device" of [Dms1, Dms2],
    /// DEL-2-2: the initiation request of DMS-1 names no delegation type.
    InitiationWithoutType = "initiation-without-type" of [Dms1],
    /// DEL-2-2: the initiation request names neither manufacturer nor model.
    InitiationWithoutModel = "initiation-without-model" of [Dms1, Dms2],
    /// DEL-2-2: the initiation request does not say which part of the tree it is about.
    InitiationWithoutTree = "initiation-without-tree" of [Dms1, Dms2],
    /// DEL-2-3: an initiation request is read, and never answered.
    KeepsSilentOnInitiation = "keeps-silent-on-initiation" of [Dms1, Dms2],
    /// DEL-2-3: an initiation request that cannot be read is accepted.
    AcceptsUnreadableInitiation = "accepts-unreadable-initiation" of [Dms1, Dms2],
    /// DEL-2-3: a server accepts an initiation request that is meant for another one.
    AcceptsInitiationForAnotherServer = "accepts-initiation-for-another-server" of [Dms1, Dms2],
    /// DEL-2-3: a server accepts an initiation request that names no device.
    AcceptsIncompleteInitiation = "accepts-incomplete-initiation" of [Dms1, Dms2],
    // Step 3: the URL.
    /// DEL-3-1: DMS-1 does not ask for the URL, and stops.
    SkipsUrlRequest = "skips-url-request" of [Dms1],
    /// DEL-3-2: DMS-2 answers step 3 without a URL.
    AnswersNoUrl = "answers-no-url" of [Dms2],
    /// DEL-3-3: DMS-2 answers step 3 with a relative URL.
    AnswersRelativeUrl = "answers-relative-url" of [Dms2],
    /// DEL-3-3: DMS-2 answers step 3 with an `http` URL.
    AnswersPlainHttpUrl = "answers-plain-http-url" of [Dms2],
    /// DEL-3-4: DMS-2 answers step 3 for a session or a device that it does not know.
    AnswersUnknownSession = "answers-unknown-session" of [Dms2],
    // Step 4: the entry.
    /// DEL-4-1: DMS-1 writes no entry.
    NeverWritesEntry = "never-writes-entry" of [Dms1],
    /// DEL-4-1: DMS-1 writes an entry without a URL.
    EntryWithoutUrl = "entry-without-url" of [Dms1],
    /// DEL-4-2: DMS-1 writes another URL than it was given.
    ForwardsWrongUrl = "forwards-wrong-url" of [Dms1],
    /// DEL-4-2: DMS-1 leaves out the query of the URL.
    DropsUrlQuery = "drops-url-query" of [Dms1],
    /// DEL-4-2: DMS-1 resolves the percent escapes of the URL.
    NormalisesUrl = "normalises-url" of [Dms1],
    /// DEL-4-3: DMS-1 writes a made-up entry right after step 2, while step 3 has yet to be answered.
    UrlBeforeAnswer = "url-before-answer" of [Dms1],
    /// DEL-4-3: DMS-1 writes a made-up entry when step 3 was refused, or answered without a URL.
    MakesUpUrl = "makes-up-url" of [Dms1],
    /// DEL-4-4: DMS-1 goes on when the client has refused the entry.
    IgnoresRefusedEntry = "ignores-refused-entry" of [Dms1],
    /// DEL-4-5: the client gives no Status for the entry.
    NoStatusForEntry = "no-status-for-entry" of [DmClient],
    /// DEL-4-5: the client answers 200 for the entry, and does not store it.
    ForgetsEntry = "forgets-entry" of [DmClient],
    /// DEL-4-5: the client refuses the entry.
    RefusesEntry = "refuses-entry" of [DmClient],
    /// DEL-0-4: DMS-1 writes a second entry with the URL.
    WritesEntryTwice = "writes-entry-twice" of [Dms1],
    // Step 5: the bootstrap.
    /// DEL-5-1: the client does not fetch the bootstrap.
    NeverFetchesBootstrap = "never-fetches-bootstrap" of [DmClient],
    /// DEL-5-1: the client fetches the bootstrap from another URL than it was given.
    FetchesWrongUrl = "fetches-wrong-url" of [DmClient],
    /// DEL-5-1: the client leaves out the query of the URL that it was given.
    FetchesWithoutQuery = "fetches-without-query" of [DmClient],
    /// DEL-0-4: the client fetches the bootstrap twice.
    FetchesBootstrapTwice = "fetches-bootstrap-twice" of [DmClient],
    /// DEL-5-2: the Bootstrap Server answers 404.
    NoBootstrap = "no-bootstrap" of [BootstrapServer],
    /// DEL-5-2: the Bootstrap Server answers 200, and nothing else.
    EmptyBootstrap = "empty-bootstrap" of [BootstrapServer],
    /// DEL-5-2: the Bootstrap Server answers with half a document.
    UnreadableBootstrap = "unreadable-bootstrap" of [BootstrapServer],
    /// DEL-5-3: the bootstrap carries another server's identifier.
    BootstrapForAnotherServer = "bootstrap-for-another-server" of [BootstrapServer],
    /// DEL-5-3: the bootstrap carries the host of DMS-2 for its server identifier.
    BootstrapOfUnnamedServer = "bootstrap-of-unnamed-server" of [BootstrapServer],
    /// DEL-5-4: the client takes it that DMS-2 is where the Bootstrap Server is.
    AssumesOneMachine = "assumes-one-machine" of [DmClient],
    /// DEL-5-4: the client takes a DMS-2 that is where the Bootstrap Server is for a mistake.
    AssumesTwoMachines = "assumes-two-machines" of [DmClient],
    /// DEL-5-5: the client drops its accounts when the bootstrap cannot be fetched or read.
    AppliesUnreadableBootstrap = "applies-unreadable-bootstrap" of [DmClient],
    /// DEL-5-6: the address in the bootstrap is not that of DMS-2.
    WrongAddressInBootstrap = "wrong-address-in-bootstrap" of [BootstrapServer],
    /// DEL-5-6: the credentials in the bootstrap are not those that DMS-2 accepts.
    WrongCredentialsInBootstrap = "wrong-credentials-in-bootstrap" of [BootstrapServer],
    // Step 6: the session with DMS-2.
    /// DEL-6-1: the client opens no session with DMS-2.
    NeverOpensSession = "never-opens-session" of [DmClient],
    /// DEL-6-1: the client opens the session meant for DMS-2 with DMS-1.
    SessionToWrongServer = "session-to-wrong-server" of [DmClient],
    /// DEL-6-2: the client opens a session with DMS-2 before it fetches the bootstrap (needs `early-account`).
    SessionBeforeBootstrap = "session-before-bootstrap" of [DmClient],
    /// DEL-6-3: the client uses other credentials than those of the bootstrap.
    SessionWithOtherCredentials = "session-with-other-credentials" of [DmClient],
    /// DEL-6-3: the client shows no credentials, though the bootstrap has some.
    SessionWithoutCredentials = "session-without-credentials" of [DmClient],
    /// DEL-6-3: the client opens the session at another path than the bootstrap says.
    SessionToWrongAddress = "session-to-wrong-address" of [DmClient],
    /// DEL-6-4: DMS-2 does not authenticate itself to the client.
    SkipsAuthentication = "skips-authentication" of [Dms2],
    /// DEL-6-4: DMS-2 gives no Status for the client's commands.
    OmitsStatuses = "omits-statuses" of [Dms2],
    /// DEL-6-4: DMS-2 gives no Status for the header.
    OmitsHeaderStatus = "omits-header-status" of [Dms2],
    /// DEL-6-4: DMS-2 gives no Status for the Alert.
    OmitsAlertStatus = "omits-alert-status" of [Dms2],
    /// DEL-6-4: DMS-2 refuses credentials that are right.
    RefusesSession = "refuses-session" of [Dms2],
    /// DEL-6-4: DMS-2 takes a session with wrong credentials, or with none.
    AcceptsAnyCredentials = "accepts-any-credentials" of [Dms2],
    /// DEL-6-4: DMS-2 takes credentials that were made with a nonce that it has taken before.
    AcceptsUsedNonce = "accepts-used-nonce" of [Dms2],
    /// DEL-6-4: DMS-2 does not ask a client once more whose credentials were made with another nonce than its own.
    NeverAsksAgain = "never-asks-again" of [Dms2],
    // Step 7: the bootstrap is complete.
    /// DEL-7-1: DMS-2 does not say that the client has been bootstrapped.
    SkipsBootstrapComplete = "skips-bootstrap-complete" of [Dms2],
    /// DEL-7-2: DMS-2 says that the client has been bootstrapped right after it has answered step 3.
    BootstrapCompleteTooEarly = "bootstrap-complete-too-early" of [Dms2],
    /// DEL-7-2: DMS-2 says that the client has been bootstrapped when its credentials were refused.
    BootstrapCompleteAfterRefusal = "bootstrap-complete-after-refusal" of [Dms2],
    /// DEL-7-3: DMS-2, where it is the Bootstrap Server, says that the client has been bootstrapped when the bootstrap was fetched.
    BootstrapCompleteOnFetch = "bootstrap-complete-on-fetch" of [Dms2],
    // Step 8: the ACLs.
    /// DEL-8-1: DMS-1 does not touch the ACLs.
    NeverWritesAcls = "never-writes-acls" of [Dms1],
    /// DEL-8-1: DMS-1 updates the ACL of the first delegated node only.
    AclOnOneNode = "acl-on-one-node" of [Dms1],
    /// DEL-8-2: DMS-1 gives the rights to another server.
    AclNamesAnotherServer = "acl-names-another-server" of [Dms1],
    /// DEL-8-2: DMS-1 gives the rights to everybody.
    AclWildcard = "acl-wildcard" of [Dms1],
    /// DEL-8-3: DMS-1 writes the ACLs once step 4 was answered, without waiting for step 7.
    AclBeforeBootstrapComplete = "acl-before-bootstrap-complete" of [Dms1],
    /// DEL-8-3: DMS-1 takes a notification that cannot be read for that of step 7.
    AclAfterUnreadableNotification = "acl-after-unreadable-notification" of [Dms1],
    /// DEL-0-2: DMS-1 takes a notification about another session for that of step 7.
    AclAfterForeignNotification = "acl-after-notification-of-another-session" of [Dms1],
    /// DEL-8-4: DMS-1 takes away the rights that other servers have.
    AclDropsOthers = "acl-drops-others" of [Dms1],
    /// DEL-8-4: DMS-1 takes away the rights that other servers have by inheritance.
    AclDropsInherited = "acl-drops-inherited" of [Dms1],
    /// DEL-8-4: DMS-1 writes an ACL that is not well formed.
    AclMalformed = "acl-malformed" of [Dms1],
    /// DEL-8-4: DMS-1 writes the ACL of one more node.
    AclOnAnotherNode = "acl-on-another-node" of [Dms1],
    /// DEL-0-4: DMS-1 updates the ACLs in two goes, the second after step 9, unless it removes its account.
    WritesAclsTwice = "writes-acls-twice" of [Dms1],
    /// DEL-8-5: the client lets DMS-2 do what the ACLs do not grant.
    IgnoresAcl = "ignores-acl" of [DmClient],
    /// DEL-8-5: the client refuses DMS-2 what the ACLs grant.
    RefusesGrantedCommand = "refuses-granted-command" of [DmClient],
    /// DEL-8-5: the client refuses DMS-1 the ACL update that the ACLs grant it.
    RefusesAclUpdate = "refuses-acl-update" of [DmClient],
    /// DEL-8-5: the client refuses DMS-2 what it has a right to by inheritance.
    IgnoresInheritedAcl = "ignores-inherited-acl" of [DmClient],
    /// DEL-8-5: the client lets DMS-2 do everything where the ACL grants it anything.
    AnyRightSuffices = "any-right-suffices" of [DmClient],
    /// DEL-8-5: the client does not count DMS-2 among all servers.
    IgnoresAclWildcard = "ignores-acl-wildcard" of [DmClient],
    // Step 8b: the account of DMS-1.
    /// DEL-8b-1: DMS-1 removes its account before it writes the ACLs.
    RemovesAccountBeforeAcl = "removes-account-before-acl" of [Dms1],
    /// DEL-8b-1: DMS-1 removes its account after step 9.
    RemovesAccountAfterPrepared = "removes-account-after-prepared" of [Dms1],
    /// DEL-8b-2: the client answers 200 to the removal, and keeps the account.
    KeepsAccount = "keeps-account" of [DmClient],
    /// DEL-8b-2: the client removes the account, and leaves DMS-1 in the ACLs.
    KeepsServerInAcls = "keeps-server-in-acls" of [DmClient],
    /// DEL-8b-2: the client refuses the removal that the ACLs grant DMS-1.
    RefusesRemoval = "refuses-removal" of [DmClient],
    // Steps 9 and 10: the end.
    /// DEL-9-1: DMS-1 does not say that the client is prepared.
    NeverSendsClientPrepared = "never-sends-client-prepared" of [Dms1],
    /// DEL-9-2: DMS-1 says that the client is prepared as it sends step 8, without waiting for the Status.
    PreparedBeforeAclStatus = "prepared-before-acl-status" of [Dms1],
    /// DEL-9-2: DMS-1 says that the client is prepared as it sends step 8b, without waiting for the Status.
    PreparedBeforeRemovalStatus = "prepared-before-removal-status" of [Dms1],
    /// DEL-10-1: DMS-2 does not say that the delegation is complete.
    CompleteNeverSent = "complete-never-sent" of [Dms2],
    /// DEL-10-2: DMS-2 says that the delegation is complete as soon as step 7 was answered.
    CompleteBeforePrepared = "complete-before-prepared" of [Dms2],
    /// DEL-10-2: DMS-2 takes a notification that cannot be read for that of step 9.
    CompleteAfterUnreadableNotification = "complete-after-unreadable-notification" of [Dms2],
    /// DEL-0-2: DMS-2 takes a notification about another session for that of step 9.
    CompleteAfterForeignNotification = "complete-after-notification-of-another-session" of [Dms2],
    // All steps.
    /// DEL-0-1: a server's messages from step 7 on carry another session identifier.
    WrongSessionId = "wrong-session-id" of [Dms1, Dms2],
    /// DEL-0-1: a server's messages from step 7 on carry another device identifier.
    WrongDeviceId = "wrong-device-id" of [Dms1, Dms2],
    /// DEL-0-1: a server's messages from step 7 on carry another identifier of the server itself.
    WrongServerId = "wrong-server-id" of [Dms1, Dms2],
    /// DEL-0-1: the client gives DMS-2 another manufacturer than the delegation is about.
    WrongManufacturerInSession = "wrong-manufacturer-in-session" of [DmClient],
    /// DEL-0-2: a server takes the newest delegation for the one that is meant.
    MixesDelegations = "mixes-delegations" of [Dms1, Dms2],
    /// DEL-0-3: a server takes a repeated message for a new one.
    RepeatsAsSecondStep = "repeats-as-second-step" of [Dms1, Dms2],
    /// DEL-0-3: a message of a DM session that comes again has the consequences of a new one.
    TakesRepeatedPackagesForNew = "takes-repeated-packages-for-new" of [Dms1, Dms2],
    /// DEL-0-5: a server takes messages about a delegation from a server that is no party to it.
    AcceptsForeignServer = "accepts-foreign-server" of [Dms1, Dms2],
    /// DEL-0-5: a server takes messages of any server in its own name, if only it knows the session identifier.
    AcceptsForgedSession = "accepts-forged-session" of [Dms1, Dms2],
    /// DEL-0-5: a server does not look at who is at the other end of a resumed TLS session.
    TrustsResumedSessions = "trusts-resumed-sessions" of [Dms1, Dms2],
    /// DEL-0-3: a server takes a message that comes again when the delegation is complete for a new one.
    RepeatsAfterCompletion = "repeats-after-completion" of [Dms1, Dms2],

    // What something hostile or unusual does to it.
    /// ROB-1-1: a server answers an offer of TLS 1.1 by choosing it.
    SpeaksOutdatedTls = "speaks-outdated-tls" of [Dms1, Dms2, BootstrapServer],
    /// ROB-1-1: what failed over TLS is tried again over TLS 1.1.
    FallsBackToOutdatedTls = "falls-back-to-outdated-tls" of [DmClient, Dms1, Dms2],
    /// ROB-1-2: it speaks TLS 1.2 only.
    SpeaksOnlyTls12 = "speaks-tls-1.2-only" of [DmClient, Dms1, Dms2, BootstrapServer],
    /// ROB-1-2: it speaks TLS 1.3 only.
    SpeaksOnlyTls13 = "speaks-tls-1.3-only" of [DmClient, Dms1, Dms2, BootstrapServer],
    /// ROB-0-1: entities of XML are replaced without limit: it is busy with that from then on.
    ExpandsEntities = "expands-entities" of [DmClient, Dms1, Dms2],
    /// ROB-0-2: external entities of XML are fetched.
    FetchesExternalEntities = "fetches-external-entities" of [DmClient, Dms1, Dms2],
    /// ROB-0-1: a document that is nested deeply is the end of it.
    CrashesOnDeepNesting = "crashes-on-deep-nesting" of [DmClient, Dms1, Dms2],
    /// ROB-0-1: WBXML that is not well formed is the end of it.
    CrashesOnBrokenWbxml = "crashes-on-broken-wbxml" of [DmClient, Dms1, Dms2],
    /// ROB-0-1: a body larger than it takes is the end of it.
    ChokesOnHugeBodies = "chokes-on-huge-bodies" of [DmClient, Dms1, Dms2, BootstrapServer],
    /// ROB-0-1: it does one thing after the other, and waits for a slow peer as long as that takes.
    WaitsForSlowPeers = "waits-for-slow-peers" of [DmClient, Dms1, Dms2, BootstrapServer],
    /// ROB-0-1: it asks one thing after the other, and waits as long as it takes for an answer to begin.
    WaitsForSilentPeers = "waits-for-silent-peers" of [DmClient, Dms1, Dms2],
    /// ROB-0-1: a connection that breaks off in the middle of a message is the end of it.
    DiesWithABrokenConnection = "dies-with-a-broken-connection" of [DmClient, Dms1, Dms2, BootstrapServer],
    /// ROB-0-1: a server that has renewed its certificate locks all others out.
    LocksOutWhoRenews = "locks-out-who-renews" of [Dms1, Dms2],

    // What a product may claim besides.
    /// DM-1: a server refuses DM sessions that are written in WBXML.
    RefusesWbxml = "refuses-wbxml" of [Dms1, Dms2],
    /// DM-2: the messages of DM sessions lack the digest that the account asks for.
    OmitsMac = "omits-mac" of [DmClient, Dms1, Dms2],
    /// DM-2: messages of DM sessions are acted upon whatever their digest, or without one.
    AcceptsAnyMac = "accepts-any-mac" of [DmClient, Dms1, Dms2],
    /// DM-2: the first message of a DM session has a digest, and no other.
    SealsFirstMessageOnly = "seals-first-message-only" of [DmClient, Dms1, Dms2],
    /// DM-9: DMS-1 gives commands to a client whose credentials are wrong, or that shows none.
    CommandsAnybody = "commands-anybody" of [Dms1],
    /// DM-3: the client does not take a bootstrap of the client provisioning profile.
    RefusesProvisioningProfile = "refuses-provisioning-profile" of [DmClient],
    /// DM-3: the client takes the credentials of a provisioning document the wrong way round.
    SwapsProvisionedCredentials = "swaps-provisioned-credentials" of [DmClient],
    /// DM-4: the client, notified, opens a session of its own instead of the one that it is asked for.
    OpensOwnSessionWhenNotified = "opens-own-session-when-notified" of [DmClient],
    /// DM-4: the client does not look at the digest of a notification.
    ActsOnForgedNotification = "acts-on-forged-notification" of [DmClient],
    /// DM-4: the client comes for a notification that it has come for already.
    ActsOnReplayedNotification = "acts-on-replayed-notification" of [DmClient],
    /// DM-5: the client takes data that came in several messages though its size is not the one that was announced.
    AcceptsWrongObjectSize = "accepts-wrong-object-size" of [DmClient],
    /// DM-5: the client refuses data that comes in several messages.
    RefusesLargeObjects = "refuses-large-objects" of [DmClient],
    /// DM-5: DMS-1 sends messages that are longer than what the client takes.
    IgnoresMessageSize = "ignores-message-size" of [Dms1],
    /// DM-6: the client goes on where it began, whatever RespURI says.
    IgnoresResponseUri = "ignores-response-uri" of [DmClient],

    // How messages of DM sessions are made.
    /// DM-7: two Status elements of a message have the same CmdID.
    ReusesCommandId = "reuses-command-id" of [DmClient, Dms1, Dms2],
    /// DM-7: a message has a Status for a message that the other end never sent.
    RefersToNoMessage = "refers-to-no-message" of [DmClient, Dms1, Dms2],
    /// DM-7: the first Status for a command is there twice.
    RepeatsStatus = "repeats-status" of [DmClient, Dms1, Dms2],
    /// DM-8: messages have the media type of data synchronisation.
    SaysDataSynchronisation = "says-data-synchronisation" of [DmClient, Dms1, Dms2],
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Deviation {
    type Err = UnknownDeviation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|deviation| deviation.name() == text)
            .ok_or_else(|| UnknownDeviation {
                name: text.to_owned(),
            })
    }
}

/// A name that no deviation has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("find a deviation `{name}`: `dmconform reference --list-deviations` names them all")]
pub struct UnknownDeviation {
    /// What was written.
    pub name: String,
}

/// The deviations of one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deviations(BTreeSet<Deviation>);

impl Deviations {
    pub(crate) fn has(&self, deviation: Deviation) -> bool {
        self.0.contains(&deviation)
    }

    /// Those that a role can have: with several roles in a process, each has its own.
    pub(crate) fn of(&self, role: RoleName) -> Self {
        let all = self.0.iter().copied();
        all.filter(|deviation| deviation.roles().contains(&role))
            .collect()
    }

    pub(crate) fn are_any(&self) -> bool {
        !self.0.is_empty()
    }
}

impl FromIterator<Deviation> for Deviations {
    fn from_iter<T: IntoIterator<Item = Deviation>>(deviations: T) -> Self {
        Self(deviations.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_deviation_and_no_two_are_alike() {
        let names: BTreeSet<_> = Deviation::ALL.iter().map(|deviation| deviation.name()).collect();
        assert_eq!(names.len(), Deviation::ALL.len());
        for deviation in Deviation::ALL {
            assert_eq!(deviation.name().parse(), Ok(*deviation));
        }
    }

    #[test]
    fn a_role_has_of_all_deviations_those_that_it_can_have() {
        let all: Deviations = [
            Deviation::OmitsMac,
            Deviation::OmitsStatuses,
            Deviation::CommandsAnybody,
        ]
        .into_iter()
        .collect();
        let of = |role| all.of(role).0.into_iter().collect::<Vec<_>>();
        assert_eq!(
            of(RoleName::Dms1),
            [Deviation::OmitsMac, Deviation::CommandsAnybody]
        );
        assert_eq!(
            of(RoleName::Dms2),
            [Deviation::OmitsStatuses, Deviation::OmitsMac]
        );
        assert_eq!(of(RoleName::BootstrapServer), []);
    }

    #[test]
    fn every_deviation_begins_with_the_requirement_it_breaks() {
        for deviation in Deviation::ALL {
            let breaks = deviation.breaks();
            let names_one =
                breaks.starts_with("DEL-") || breaks.starts_with("ROB-") || breaks.starts_with("DM-");
            assert!(names_one, "{deviation}: {breaks}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_where_the_known_ones_are() {
        let error = "acl-wildcart"
            .parse::<Deviation>()
            .expect_err("there is no such deviation")
            .to_string();
        assert_eq!(
            error,
            "find a deviation `acl-wildcart`: `dmconform reference --list-deviations` names them all"
        );
    }
}
