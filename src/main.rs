//! The program: the command line, and the whiteboard where there is a window to show it in.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    tailboard::cli::main(open)
}

/// Open the whiteboard; without a window to open it in, say so and run the scenario (or the default one) without.
fn open(file: Option<PathBuf>) -> ExitCode {
    #[cfg(feature = "whiteboard")]
    let reason = match tailboard::whiteboard::open(file.as_deref()) {
        Ok(code) => return code,
        Err(unavailable) => unavailable.to_string(),
    };
    #[cfg(not(feature = "whiteboard"))]
    let reason = "this program was built without the whiteboard";
    tailboard::cli::say(&format!("{reason}; running without a window\n"));
    tailboard::cli::run_headless(file)
}
