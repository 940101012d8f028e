//! How much a board tells at a zoom: the smaller it is on the screen, the fewer and the larger its marks. Cards keep their
//! size, so that nothing moves when one zooms.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// A map: icons, how busy, what fails.
    Block,
    /// Names too.
    Name,
    /// Rates too, on cards and links; copies, caches and shards as marks.
    Glance,
    /// All figures.
    #[default]
    Full,
    /// The class of each dot as a letter too.
    Close,
}

impl Detail {
    pub const ALL: [Detail; 5] = [Detail::Block, Detail::Name, Detail::Glance, Detail::Full, Detail::Close];

    /// What can be read at a zoom; 1 is 100 %.
    pub fn at(zoom: f64) -> Detail {
        match zoom {
            z if z < 0.25 => Detail::Block,
            z if z < 0.4 => Detail::Name,
            z if z < 0.75 => Detail::Glance,
            z if z < 1.5 => Detail::Full,
            _ => Detail::Close,
        }
    }

    /// Whether calls on the way are drawn.
    pub fn has_dots(self) -> bool {
        self.dot().is_some()
    }

    /// How many times as large as at 100 % a dot is; none where it could not be seen.
    pub(super) fn dot(self) -> Option<f64> {
        match self {
            Detail::Block => None,
            Detail::Name => Some(2.0),
            Detail::Glance => Some(1.4),
            Detail::Full | Detail::Close => Some(1.0),
        }
    }

    /// Size of the label of a link, where it has one.
    pub(super) fn label(self) -> Option<f64> {
        match self {
            Detail::Block | Detail::Name => None,
            Detail::Glance => Some(15.0),
            Detail::Full | Detail::Close => Some(11.0),
        }
    }

    /// Size of the title of a frame: what is read on a map.
    pub(super) fn title(self) -> f64 {
        match self {
            Detail::Block => 36.0,
            Detail::Name => 24.0,
            Detail::Glance => 16.0,
            Detail::Full | Detail::Close => 12.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_the_more_is_told() {
        let zooms = [0.1, 0.24, 0.25, 0.39, 0.4, 0.74, 0.75, 1.0, 1.49, 1.5, 4.0];
        let details = zooms.map(Detail::at);
        assert!(details.is_sorted() && Detail::ALL.iter().all(|detail| details.contains(detail)));
        assert_eq!((Detail::at(1.0), Detail::default()), (Detail::Full, Detail::Full));
    }
}
