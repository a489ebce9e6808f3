"""Words beside a name that tell whose it is: titles, roles, and what companies and sport are about.

German and English together: the language of an item may be guessed wrong. All are folded.
"""

from __future__ import annotations

from streams.enrich.words import fold

__all__ = [
    "ACTS",
    "ANOTHER_FIELD",
    "ANOTHER_FIELD_ENDINGS",
    "ARTICLES",
    "BEING",
    "COMPANY_ENDINGS",
    "COMPANY_NEWS",
    "COMPOUND_PREFIXES",
    "DETERMINERS",
    "ENGLISH",
    "GERMAN",
    "HEADS",
    "INSTITUTIONS",
    "JOINING",
    "NAMESAKE_SUFFIXES",
    "NO_VERBS",
    "OPENERS",
    "OTHER_TITLES",
    "OTHER_TITLE_ENDINGS",
    "PLURAL_ARTICLES",
    "POLITICS",
    "QUESTIONS",
    "ROLE_ENDINGS",
    "SMALL_WORDS",
    "SPORT",
    "STATES",
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
    rentner rentnerin ranger sheriff mayor councillor alderman star author novelist poet painter
    sculptor composer pianist violinist conductor comedian dancer choreographer filmmaker boxer golfer
    cyclist skier sprinter swimmer jockey autor autorin dichter maler malerin bildhauer komiker
    pianist geiger tänzer tänzerin boxer golfer skifahrer radprofi läufer läuferin landrat stadtrat
    clown rep winger farmer plumber detective
    chemist physicist biologist historian chemiker physiker historiker nobelpreisträger stadträtin
""")
"""Titles of people whom a desk for politics and technology hardly watches."""

OTHER_TITLE_ENDINGS = tuple(
    sorted(
        _folded("""
    bürgermeister bürgermeisterin weltmeister weltmeisterin europameister europameisterin sieger
    siegerin trainer trainerin torwart stürmer spieler spielerin schauspieler schauspielerin sänger
    sängerin komponist komponistin regisseur regisseurin schriftsteller schriftstellerin künstler
    künstlerin meister meisterin arzt ärztin lehrer lehrerin wirt wirtin förster polizist
    polizistin rentner rentnerin maler malerin profi councilman councilwoman firefighter policeman basketballer
    fußballer handballer bischof pfarrer pfarrerin dichter bildhauer tänzer tänzerin kapitän
        """)
    )
)
"""The same as ends of German compounds ("Oberbürgermeister", "Olympiasiegerin")."""

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
    fahrer fahrern zusteller zustellern streik streiks lager lagers paket pakete paketen lieferant
    lieferanten entwickler entwicklern designer designers ingenieur ingenieure händler händlern kunde
    kunden server servern cloud rechenzentrum brille brillen gerät geräte geräten dienst dienste sperre
    verbot verbots kanal kanals kanäle kanälen gruppe gruppen chat chats nachricht nachrichten boykott
    ausfall störung bote boten standort standorte filiale filialen produkt produkte produkten patent patente
    übernahme strafe bußgeld verfahren betriebsrat belegschaft klage klagen urteil
    drone drones van vans glasses engineer engineers designer employee customer seller store stores
    headset headsets parcel parcels backed owned funded backdoor suit ruling
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

GERMAN = _folded("""
    der das den dem des ein eine einen einem einer und mit für von auf bei nach wegen nicht ist wird
    will zu zum zur im am aus über gegen sich auch vor wie ohne kein keine
""")
ENGLISH = _folded("""
    the of to for with and on at from by after over as is are its his her their be has it that this
    how why what who not no into out up
""")
"""Small words that only one of the two languages has; "in", "an", "so" are in both."""

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
    recalls concedes admits accepts advances aims allows amends announces apologises apologizes
    applies approves arrives assures attacks attempts avoids backtracks battles begins bets bids
    boosts bows braces brushes capitulates caves celebrates challenges cites clarifies clings
    commits complains concludes condemns confronts contests counters creates criticises criticizes
    curbs debuts declares declines defies deploys disables discloses dismisses disputes
    ditches doubles downplays eases embraces emerges enters escapes evades expands expects
    explains explores exposes fears fixes follows forces gains grants grapples hails
    heads hints holds imposes improves increases invites issues jumps lags laments lashes lifts
    likens loosens merges misses mocks needs negotiates nears notifies objects offloads
    opposes orders outlines overhauls pauses permits persuades pitches pivots poaches pours
    praises prepares presses prevails prioritises probes promotes proposes proves publishes
    punishes pursues questions reaches reacts rebuffs rebukes receives recommends reconsiders
    recovers reduces relaxes relents renames renews replaces requests requires rescinds
    resigns resolves resumes retreats reverses revives revokes rewards sacks scales scolds
    secures shifts shrugs skirts snubs soars speaks splits spurns stalls steers steps strips
    strengthens struggles stuns submits surges surpasses surrenders switches tackles talks teases
    touts triples undercuts updates upgrades uses votes vows waives weakens welcomes
    yields lenkt knickt
    expected slammed fined forced poised criticised criticized cleared raided probed investigated
    allowed barred grilled pressed gegen vs
    vowed ordered urged signed spent lifted halted paused
    nahm gab ließ sperrte löschte entfernte kündigte erklärte verwies verlor gewann musste durfte
    wollte konnte hatte war wurde zahlte klagte teilte beruft
    rejects refuses reports reported tests rolls hires fires fired lays moves wants would should
""")
"""Verbs that news has behind the one who acts."""

STATES = {
    "in": _folded("talks court trouble gesprächen verhandlungen"),
    "under": _folded("fire pressure scrutiny investigation"),
    "unter": _folded("druck beschuss verdacht"),
    "vor": _folded("gericht"),
}
"""Words that say with the next one how somebody fares ("Apple in talks", "Meta unter Druck")."""

NO_VERBS = _folded("""
    nicht jetzt erst selbst fast sonst seit mit oft weit gut laut statt samt trotzt dort fort acht
    zuletzt zuerst bereit insgesamt überhaupt direkt komplett exakt leicht schlecht echt recht
    gesamt damit somit derzeit weltweit soweit höchst längst jüngst einst meist wert bekannt
""")
"""German words in t that are no verbs; participles in ge- are left out by their opening."""

OPENERS = _folded("""
    bei mit für gegen von an aus nach über ohne zu laut wegen trotz durch um auf in vor wie warum was
    wenn weil als dass ob und aber doch why what how when where as if after before but and or for in
    with from at by against between inside like because while since than that
    can could will would should must does did has is are were per via
""")
"""Words that may open a sentence, after which only a name has a capital or no article."""

QUESTIONS = _folded(
    "why what how when where who which is are was wie warum wieso was wer wo wann woher ein eine der die das a the"
)
"""Words after a colon that open an essay on what stands before it ("Meta: why one word …")."""

INSTITUTIONS = _folded("commission court kommission")
"""Words that head the names of many bodies: with a capital before them they are another one's."""

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
    cloud billion employees ceo giant outage outages störung ausfall ausfälle tracker
    phones phone laptop laptops tariffs analysts analysten anleger investoren investors chipmaker startup exporte ausfuhrregeln
    rechenzentrum rechenzentren datacentre datacentres datacenter datacenters
""")
"""Words of news about companies; an ordinary word as a name means the company among them."""

COMPANY_ENDINGS = tuple(
    sorted(_folded("konzern konzerns konzernchef konzernchefs hersteller herstellers chipbauer"))
)
"""Ends of German compounds that are such words."""

POLITICS = _folded("""
    usa präsident präsidenten president presidential kanzler kanzlers bundeskanzler chancellor
    regierung regierungen government minister ministers ministerin ministerium ministry white nato
    putin ukraine kiew kyiv washington brussels brüssel wahl wahlen wahlkampf election elections
    partei parteien party parliament parlament bundestag cdu csu spd fdp afd grünen koalition
    coalition tory tories labour republican republicans democrats congress kongress senate senat
    zölle zoll tariff tariffs milliardär billionaire premier prime kreml kremlin china peking
    beijing taiwan gipfel summit sanktionen sanctions krieg staatschef élysée downing westminster
    gesetz law bill diplomatie fifa olympia olympics digitalminister
""")
"""Words of politics: among them a politician at a match or in a museum is still one."""

HEADS = _folded("""
    präsident president us-präsident kanzler bundeskanzler chancellor staatschef premier
    premierminister vizepräsident
""")
"""Titles of those who lead a country."""

BEING = _folded("ist war heißt hieß wird wurde is was becomes became")

ANOTHER_FIELD = _folded("""
    handball fußball bundesliga eishockey volleyball tennis badminton snooker torhüter torhüterin
    torwart stürmer mittelfeld rückspiel hinspiel spieltag halbfinale viertelfinale achtelfinale
    turnier weltcup slalom marathon trikot paraden rebounds innings wicket wickets rugby soccer
    cricket hockey touchdown midfielder striker goalkeeper quarterback playoff playoffs quarterfinal
    semifinal batsman bowler heavyweight sprinter
    sonate sinfonie oper orchester ballett klavier komponist komponisten komponistin museum
    künstler künstlers künstlerin maler malers malerin bildhauer bildhauers skulptur skulpturen
    gemälde ausstellung retrospektive vernissage lyrik gedicht gedichte roman romans romane
    erzählungen literaturpreis lesung schriftsteller schriftstellers regisseur choreograf bühne
    ballet sonata symphony opera orchestra composer sculptor sculptures painter paintings exhibition
    retrospective poet poems poetry novel novelist choreographer dancer singer album musical
    nachspielzeit elfmeter derby homers regatta chess schach angling bass fishing rallye sprint medal medaille
    halbmarathon triathlon grandmaster großmeister featherweight middleweight
    film films filme spielfilm dvd kino leinwand cinema biopic arthouse drehbuch screenplay
    kunstmuseum kunsthalle iglus installation installationen fresko fresken
    bischof pfarrer kirchengemeinde bistum bishop parish vicar diocese
    sportartikelhersteller ausrüster sportswear
""")
"""Words of sport, the arts and the church, in which a surname is hardly that of whom a desk watches."""

ANOTHER_FIELD_ENDINGS = tuple(
    sorted(
        _folded("""
    museum ausstellung retrospektive komponist künstler torwart trainer meisterschaft turnier pokal
    sonate bischof orchester werkschau theater
        """)
    )
)
"""The same as ends of German compounds."""

SPORT = _folded("""
    handball fußball bundesliga europapokal pokal titelverteidiger torhüter torhüterin tor tore rückspiel
    hinspiel spieltag trainer liga finale halbfinale viertelfinale gruppensieg meisterschaft turnier
    goal goals goalless match matches season league cup striker coach stoppage half group title
    titles champions winner quarterfinal semifinal final innings wicket rugby football soccer cricket
    basketball hockey touchdown midfielder penalty draw club fans stadium derby
""")
"""Words of sport; an acronym among them is a club's."""
