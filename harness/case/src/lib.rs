//! Reads procedure, cases, profiles and implementation files, with located errors.
