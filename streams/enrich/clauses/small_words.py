"""Small words and verb forms by which a German or English clause can be read without a parser.

German and English stand together where a word means the same in both or nothing in one of them.
Where it would mislead ("die" is an article and a verb), the list of the other language lacks it. All
are folded.
"""

from __future__ import annotations

from streams.enrich.words import fold

__all__ = [
    "ADVERBS",
    "AUXILIARIES",
    "CONJUNCTIONS",
    "DATES",
    "FINITE",
    "JOINING",
    "PREPOSITIONS",
    "PRONOUNS",
    "RELATIVES",
    "SUBORDINATORS",
    "folded",
]


def folded(words: str) -> frozenset[str]:
    """A set of folded words."""
    return frozenset(fold(word) for word in words.split())


PREPOSITIONS = folded("""
    ab am an ans auf aus bei beim bis dank durch für gegen gegenüber hinter im in ins laut mit mithilfe
    nach neben ohne samt seit statt trotz über um unter vom von vor wegen zu zum zur zwischen
    about above across against ahead along amid among around at before behind below beneath beside
    between beyond by despite during for from inside into like near of off on onto over past per
    since through throughout to toward towards under until unlike upon via with within without
""")
SUBORDINATORS = folded("""
    als bevor bis damit dass daß ehe falls indem nachdem ob obwohl sobald sodass solange sofern
    während weil wenn wohingegen weshalb warum wieso seitdem
    after although as because before if once since that though unless until when where whether
    while why how which
""")
CONJUNCTIONS = folded("und oder aber sondern sowie denn doch & and or but nor")
JOINING = folded("und oder sowie and or")
"""Conjunctions between two names."""
RELATIVES = folded(
    "der die das den dem dessen deren denen welche welcher welches who whom whose which"
)
PRONOUNS = folded("""
    dies er sie es ich du wir ihr man ihm ihn ihnen ihr mir mich uns euch dir dich sich
    he she it i you we they him her them me us himself herself itself themselves
""")
ADVERBS = folded("""
    ähnlich anders auch bereits da dabei dafür dagegen damals danach dann daraufhin darum dazu demnach denn derzeit
    deshalb dennoch doch dort eher einst ebenfalls endlich erneut erst etwa ferner gestern gerade
    gleichzeitig heute hier hingegen immer inzwischen jedoch jetzt kürzlich längst mehrfach
    mittlerweile morgen nicht nie noch nun nur oft offenbar plötzlich schließlich schon selbst
    seither so sogar somit später stattdessen trotzdem unterdessen vielleicht vielmehr weiter
    allerdings angeblich außerdem beinahe bislang bisher damals danach daneben daran daraus darin
    darüber davon davor demnächst deswegen eigentlich hierbei hierfür hinzu immerhin insbesondere
    insgesamt jüngst kaum mehrmals natürlich nebenbei neuerdings ohnehin seinerzeit spätestens
    tatsächlich überraschend übrigens umgekehrt ursprünglich vermutlich vorerst wahrscheinlich
    weltweit wiederum zumindest weiterhin wieder wohl zudem zugleich zuletzt zunächst zuvor zusätzlich zwar nämlich ausgerechnet
    again allegedly already also always earlier either even ever finally first however indeed instead
    just largely later long meanwhile merely much nearly neither never not now often once only
    perhaps previously quickly quietly rarely recently reportedly repeatedly sharply similarly
    sometimes soon still then there therefore thus today together tomorrow too usually yesterday yet
    currently further publicly personally
""")
AUXILIARIES = folded("""
    hat hatte haben hatten habe hätte hätten ist sind war waren sei seien wird werden wurde wurden
    würde würden kann können konnte konnten könnte könnten muss müssen musste mussten müsste soll
    sollen sollte sollten will wollen wollte wollten darf dürfen durfte durften dürfte mag möchte
    lässt ließ
    has had have is are was were be been will would can could may might must shall should does did do
    isn't wasn't won't can't
""")
FINITE = AUXILIARIES | folded("""
    bat befand begann bekam beließ bleibt blieb bot brach bringt brachte dachte drang fand fiel fing
    flog floh fuhr gab gibt ging geht gewann griff half hält hielt hieß kam kommt kennt kannte lag
    liegt las liest lief läuft litt lud lädt log mied nahm nimmt nannte nennt rang rief riet rät sah
    sieht saß schied schlug schlägt schloss schnitt schob schrieb schuf schwieg sprach spricht sprang
    stand steht stieg steigt starb stieß stritt tat tut traf trifft trat tritt trug trägt trieb verbat
    verbot verfiel vergaß verlor verließ verriet versprach verstieß vertrat verwies wächst warb warf
    wirft weiß wusste wich wies zog zieht zwang sitzt setzt hetzt
    became began bought broke brings brought built came caught chose cut dealt drew fell felt fought
    found gave get gets got grew held hit hits keeps kept knew laid leads led left lets let lost made
    makes meets met paid put puts quit quits ran rose said sat saw says seeks sent set sets shut sold
    sought spent spoke stood sued sues swore takes taught threw told took went withdrew won wins wrote
    needs looks plans aims remains becomes means seems shows faces joins
    say seek want wants buy sell face plan urge back call sue
    habe gebe gehe komme lasse müsse könne dürfe solle wolle werde wisse nehme stehe halte
""")
"""Finite verbs that no ending gives away, and the auxiliaries."""

DATES = folded("""
    montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag januar februar märz april
    mai juni juli august september oktober november dezember montagabend dienstagabend
    mittwochabend donnerstagabend freitagabend monday tuesday wednesday thursday friday saturday
    sunday january february march june july october december
""")
