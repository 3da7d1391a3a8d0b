//! The OMA Device Management wire: SyncML, management tree, accounts, bootstrap.
