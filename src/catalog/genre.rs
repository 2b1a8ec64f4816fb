//! Genres: a closed list, so that a shelf of one genre has everything of it. The slug is what is stored and sent; how it
//! is called is the page's.

use serde::{Deserialize, Serialize};

macro_rules! genres {
    ($($(#[$doc:meta])* $name:ident = $slug:literal;)*) => {
        /// What kind of film it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Genre { $($(#[$doc])* #[serde(rename = $slug)] $name,)* }

        impl Genre {
            pub const ALL: &'static [Genre] = &[$(Genre::$name,)*];

            pub fn slug(self) -> &'static str {
                match self { $(Genre::$name => $slug,)* }
            }
        }
    };
}

genres! {
    Action = "action";
    Adventure = "adventure";
    Animation = "animation";
    Biography = "biography";
    Comedy = "comedy";
    Crime = "crime";
    Disaster = "disaster";
    Documentary = "documentary";
    Drama = "drama";
    Family = "family";
    Fantasy = "fantasy";
    History = "history";
    Horror = "horror";
    MartialArts = "martial_arts";
    Music = "music";
    Musical = "musical";
    Mystery = "mystery";
    Opera = "opera";
    Romance = "romance";
    ScienceFiction = "science_fiction";
    Sport = "sport";
    Thriller = "thriller";
    War = "war";
    Western = "western";
    // What form it has, or where it first came out: shelves go by that as well.
    /// 网络故事片, once 网络电影.
    OnlineFilm = "online_film";
    /// 网络剧.
    WebSeries = "web_series";
    /// 微短剧.
    MicroDrama = "micro_drama";
    /// 短视频.
    ShortVideo = "short_video";
    /// 综艺.
    Variety = "variety";
    /// 院线电影.
    Theatrical = "theatrical";
    /// 互动影视.
    Interactive = "interactive";
}
