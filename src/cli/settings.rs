//! `goaround config`: a first configuration file, and whether the one that there is can be read.

use anyhow::Context as _;
use clap::Subcommand;

use crate::domain::clean::Clean;
use crate::shell::config::Environment;
use crate::shell::config_init;

use super::{Target, file_of};

/// What can be done with it.
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// A file with every setting, commented out, each with its default and what it is for
    Init {
        /// Print it instead
        #[arg(long)]
        stdout: bool,
        /// Replace the file that there is
        #[arg(long, conflicts_with = "stdout")]
        force: bool,
    },
    /// Is it read, and from where?
    Check,
}

/// Runs it: 0, or 2 where the configuration is refused.
pub fn config(target: &Target, environment: &Environment, command: &ConfigCommand) -> anyhow::Result<u8> {
    match command {
        ConfigCommand::Init { stdout: true, .. } => print!("{}", config_init::TEMPLATE),
        ConfigCommand::Init { force, .. } => {
            let folder = environment.config_folder.as_deref();
            let folder = folder.context("there is no configuration folder; hint: set GOAROUND_CONFIG_DIR")?;
            let path = config_init::write(folder, *force)?;
            println!("{}", Clean::new(path.display().to_string()));
        }
        ConfigCommand::Check => {
            super::configured(target, environment)?;
            match file_of(target, environment) {
                Some(file) => println!("{} is read", Clean::new(file.display().to_string())),
                None => println!("there is no file, the defaults hold; hint: goaround config init"),
            }
        }
    }
    Ok(0)
}
