"""Words beside a name that tell whose it is: titles, roles, and what companies and sport are about.

German and English together: the language of an item may be guessed wrong. All are folded.
"""

from __future__ import annotations

from streams.enrich.words import fold

__all__ = [
    "ACTS",
    "ARTICLES",
    "COMPANY_NEWS",
    "COMPOUND_PREFIXES",
    "DETERMINERS",
    "JOINING",
    "NAMESAKE_SUFFIXES",
    "NO_VERBS",
    "OPENERS",
    "OTHER_TITLES",
    "PLURAL_ARTICLES",
    "ROLE_ENDINGS",
    "SMALL_WORDS",
    "SPORT",
    "TITLE_ENDINGS",
]


def _folded(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in words.split())


TITLE_ENDINGS = tuple(
    sorted(
        _folded("""
    mr mrs ms dr prof sir lord lady herr herrn frau president präsident präsidenten präsidentin
    chancellor kanzler kanzlers kanzlerin minister ministers ministerin senator senatorin governor
    gouverneur secretary congressman congresswoman representative judge commissioner kommissar
    kommissars kommissarin chairman chairwoman chair leader chief boss chef chefs chefin ceo cfo
    cto founder cofounder gründer gründers gründerin billionaire milliardär milliardärs
    milliardärin unternehmer unternehmers unternehmerin vorsitzende vorsitzender vorsitzenden
    politiker politikerin kandidat kandidaten kandidatin sprecher sprecherin spokesman spokeswoman
    spokesperson manager managerin berater beraters beraterin aktivist aktivistin forscher
    forscherin republikaner demokrat mogul premier candidate nominee
        """)
    )
)
"""Words, or ends of German compounds ("Kommissionschefin"), that announce a person."""

OTHER_TITLES = _folded("""
    pfarrer pastor pastorin bischof pater rev reverend father bishop trainer coach torhüter torwart
    stürmer verteidiger kapitän goalkeeper keeper striker midfielder defender winger batsman batter
    bowler quarterback skipper jockey schauspieler schauspielerin actor actress sänger sängerin
    singer rapper koch köchin bäcker bäckerin landwirt landwirtin förster gastwirt wirt wirtin sgt
    cpl pte constable pc sergeant corporal nurse teacher lehrer lehrerin studentin student
    rentner rentnerin ranger
""")
"""Titles of people whom a desk for politics and technology hardly watches."""

ROLE_ENDINGS = (
    *TITLE_ENDINGS,
    *sorted(
        _folded("""
    konzern konzerns aktie aktien tochter mutter vorstand vorstands mitarbeiter mitarbeiterin
    zentrale nutzer nutzern nutzerin konto konten profil profile beitrag beiträge beitrags post posts
    chatbot app plattform aktionäre rivale eigner eigentümer investor algorithmus
    workers staff drivers sellers customers driver warehouse boss deal lobbyist lobbyists
    shares stock executive executives employees engineers users user account accounts app
    owner lawyers lawyer platforms
        """)
    ),
)
"""Words behind the name of an organisation that show it is one ("Meta-Chef", "Apple shares")."""

COMPOUND_PREFIXES = _folded("anti pro ex post pre non nicht neo vize ultra never co")
"""What may stand before a hyphen without making a double name ("Anti-Trump-Proteste")."""

NAMESAKE_SUFFIXES = _folded("jr junior sr ii iii iv")
ARTICLES = _folded("the a an this his her their its our")
PLURAL_ARTICLES = _folded("die the den der")
DETERMINERS = _folded("""
    der die das des dem den ein eine einer eines einem einen kein keine keinen keiner dieser diese
    dieses jeder jede jedes mein meine dein deine sein seine seiner ihr ihre ihrer unser unsere
    zum zur im am beim vom ins ans the a an this that his her their its our my your some any every
    each no
""")
"""Words that a common noun has before it, and the name of a company has not."""

JOINING = _folded("und and oder or sowie wie like including plus mit with vs")
"""Words between the names of one list."""

SMALL_WORDS = _folded("of for the and in von für der die das und de la du et des")
"""Words that an acronym skips."""

ACTS = _folded("""
    muss müssen darf soll will kann hat ist wird lässt sagt sagte plant prüft sperrt löscht entfernt
    streicht stellt zieht bringt verliert gewinnt droht klagt verklagt zahlt verbietet erlaubt führt
    macht geht kommt kündigt testet startet schließt öffnet räumt meldet warnt wehrt weist scheitert
    steigert verkauft kauft baut verlässt wächst nimmt gibt holt setzt bekommt erhält unterliegt
    siegt reagiert schweigt verschärft lockert kennzeichnet blockiert schaltet stoppt veröffentlicht
    übernimmt investiert fordert bietet zeigt hält legt wirft verspricht dementiert bestreitet verlangt
    blinks beats stops refuses runs turns takes gives helps keeps leaves raises reveals seeks sees sets
    shows shuts slashes spends stands tries walks weighs wipes axes backs blames breaks brings
    builds calls ceases charges clashes comes confirms considers delays defends demands drags ducks
    eyes extends fails faults goes halts hands hopes ignores insists introduces invests joins
    knows leads leans limits looks means mulls offers overtakes owns picks pledges posts promises
    pushes quits quietly releases resists restricts returns scrubs shelves signs skips slams
    stumbles swaps targets teams thinks threatens throws tops trims tweaks unblocks urges
    withdraws is are were been being does did doesn didn isn won't
    says said to will must may can could has had is was sues sued wins won loses lost faces faced
    hits bans blocks removes deletes drops drop adds cuts buys sells plans launches unveils unveiled
    boots boot kicks pulls pulled tells told asks asked agrees agreed appeals argued argues denies
    denied pays paid fights fought gets got gives gave lets makes made puts opens opened closes
    closed ends ended starts started bars labels suspends suspended restores scraps settles warns
    took gave made let sent cut hit put came went built bought sold blamed refused rejected added
    dropped banned blocked removed deleted pledged promised accused confirmed announced declined
    vowed ordered urged signed spent lifted halted paused
    nahm gab ließ sperrte löschte entfernte kündigte erklärte verwies verlor gewann musste durfte
    wollte konnte hatte war wurde zahlte klagte teilte beruft
    rejects refuses reports reported tests rolls hires fires fired lays moves wants would should
""")
"""Verbs that news has behind the one who acts."""

NO_VERBS = _folded("""
    nicht jetzt erst selbst fast sonst seit mit oft weit gut laut statt samt trotzt dort fort acht
    zuletzt zuerst bereit insgesamt überhaupt direkt komplett exakt leicht schlecht echt recht
    gesamt damit somit derzeit weltweit soweit höchst längst jüngst einst meist wert bekannt
""")
"""German words in t that are no verbs; participles in ge- are left out by their opening."""

OPENERS = _folded("""
    bei mit für gegen von an aus nach über ohne zu laut wegen trotz durch um auf in vor wie warum was
    wenn weil als dass ob und aber doch why what how when where as if after before but and or for in
    on with from at by against between inside like because while since than that
""")
"""Words that may open a sentence, after which only a name has a capital or no article."""

COMPANY_NEWS = _folded("""
    app apps store konzern konzerns tech software smartphone smartphones chip chips plattform
    plattformen nutzer nutzern nutzerinnen daten datenschutz datenschützer kartellamt kartellstreit
    kartellrecht wettbewerbshüter milliarden mitarbeiter stellen jobs bürojobs aktie aktien umsatz
    quartal börse onlinehändler internet netzwerk netzwerke konten konto profil profile chatbot
    chatbots ki ai sprachmodell sprachmodelle modell algorithmus algorithmen entwickler google facebook instagram
    whatsapp microsoft openai tiktok netflix nvidia youtube samsung huawei snap spotify sony intel
    kommission eu dma dsa digital online werbung anzeigen faktenprüfer faktenchecker messenger kanäle
    company companies firm users user platform platforms privacy antitrust watchdog regulator
    regulators commission shares revenue quarter workers layoffs developers developer iphone
    smartwatch payments payment chatbots streaming device devices headset glasses fact-checkers
    checkers moderators moderation advertisers ads social media feed feeds big retailer warehouse
    cloud billion employees ceo giant
""")
"""Words of news about companies; an ordinary word as a name means the company among them."""

SPORT = _folded("""
    handball fußball bundesliga europapokal pokal titelverteidiger torhüter torhüterin tor tore rückspiel
    hinspiel spieltag trainer liga finale halbfinale viertelfinale gruppensieg meisterschaft turnier
    goal goals goalless match matches season league cup striker coach stoppage half group title
    titles champions winner quarterfinal semifinal final innings wicket rugby football soccer cricket
    basketball hockey touchdown midfielder penalty draw club fans stadium
""")
"""Words of sport; an acronym among them is a club's."""
