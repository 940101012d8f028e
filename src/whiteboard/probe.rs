//! Whether a window can be opened here, asked before Bevy does, which panics where the answer is no.

use std::path::PathBuf;

/// # Errors
/// In one line, why no window can be shown.
pub fn display() -> Result<(), String> {
    if cfg!(not(all(unix, not(target_os = "macos")))) {
        return Ok(()); // Windows and macOS always have one.
    }
    let get = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    find(get, &reachable)
}

/// # Errors
/// In one line, that there is no driver.
pub fn graphics() -> Result<(), String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let adapter = bevy::tasks::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()));
    adapter.map(|_| ()).map_err(|_| "no graphics driver (Vulkan) was found".to_owned())
}

/// Where a display server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Server {
    Socket(PathBuf),
    Tcp(String, u16),
}

fn find(get: impl Fn(&str) -> Option<String>, reachable: &dyn Fn(&Server) -> bool) -> Result<(), String> {
    if get("WAYLAND_SOCKET").is_some() {
        return Ok(()); // An open connection, handed down by the compositor.
    }
    let wayland = get("WAYLAND_DISPLAY").map(|name| (wayland_server(&name, get("XDG_RUNTIME_DIR")), name));
    if wayland.as_ref().is_some_and(|(server, _)| reachable(server)) {
        return Ok(());
    }
    match (get("DISPLAY"), wayland) {
        (Some(name), _) => match x11_server(&name) {
            Some(server) if reachable(&server) => Ok(()),
            Some(_) => Err(format!("the display {name} does not answer")),
            None => Err(format!("DISPLAY is {name}, which names no display")),
        },
        (None, Some((_, name))) => Err(format!("the Wayland display {name} does not answer")),
        (None, None) => Err("no display was found".to_owned()),
    }
}

fn wayland_server(name: &str, runtime: Option<String>) -> Server {
    Server::Socket(PathBuf::from(runtime.unwrap_or_default()).join(name))
}

/// `[host]:display[.screen]`, see X(7).
fn x11_server(name: &str) -> Option<Server> {
    let (host, number) = name.rsplit_once(':')?;
    let number: u16 = number.split('.').next()?.parse().ok()?;
    Some(match host {
        "" | "unix" => Server::Socket(PathBuf::from(format!("/tmp/.X11-unix/X{number}"))),
        path if path.starts_with('/') => Server::Socket(PathBuf::from(format!("{path}:{number}"))),
        host => Server::Tcp(host.to_owned(), 6_000u16.checked_add(number)?),
    })
}

fn reachable(server: &Server) -> bool {
    match server {
        #[cfg(unix)]
        Server::Socket(path) => std::os::unix::net::UnixStream::connect(path).is_ok(),
        #[cfg(not(unix))]
        Server::Socket(_) => false,
        Server::Tcp(host, port) => std::net::TcpStream::connect((host.as_str(), *port)).is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_found_where_the_environment_says() {
        let socket = |path: &str| Some(Server::Socket(PathBuf::from(path)));
        assert_eq!(x11_server(":0"), socket("/tmp/.X11-unix/X0"));
        assert_eq!(x11_server("unix:3.1"), socket("/tmp/.X11-unix/X3"));
        assert_eq!(x11_server("far:10.0"), Some(Server::Tcp("far".to_owned(), 6_010)));
        assert_eq!(x11_server("nonsense"), None);
        let named = wayland_server("wayland-1", Some("/run/user/7".to_owned()));
        assert_eq!(named, Server::Socket(PathBuf::from("/run/user/7/wayland-1")));
        assert_eq!(wayland_server("/a/b", Some("/run".to_owned())), Server::Socket(PathBuf::from("/a/b")));
    }

    #[test]
    fn each_way_of_having_no_display_is_told_apart() {
        let ask = |pairs: &[(&str, &str)], answers: bool| {
            let get = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            find(get, &|_| answers).err()
        };
        assert_eq!(ask(&[], true).as_deref(), Some("no display was found"));
        assert_eq!(ask(&[("DISPLAY", ":1")], false).as_deref(), Some("the display :1 does not answer"));
        assert_eq!(ask(&[("DISPLAY", ":1")], true), None);
        assert_eq!(ask(&[("WAYLAND_DISPLAY", "w")], false).as_deref(), Some("the Wayland display w does not answer"));
        assert_eq!(ask(&[("WAYLAND_SOCKET", "7")], false), None);
        assert!(ask(&[("DISPLAY", "x")], true).is_some_and(|text| text.contains("names no display")));
    }
}
